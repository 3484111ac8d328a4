#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/transaction.hpp"

// What an agent's policy refused, out of the audit log. These take seconds for a long log, so they
// have a connection of their own: a transaction.
namespace deployclaw::store {

struct DenialColumn {
  enum : int {
    kLayer,
    kHost,          // "" when only `kTarget` tells
    kPort,          // null
    kTls,           // boolean
    kMethod,        // "" for a connection or a name
    kRule,          // ""
    kMissingScope,  // ""
    kTarget,        // of refused connections and names, else ""
    kCount,
    kLastAt,
    kLast,  // text[] {time, path, reason} of the latest
  };
};

inline constexpr std::int64_t kMostDenialGroups = 2000;

// The refusals of an agent since `from` that are a policy's, in groups that are alike, the most
// frequent first, kMostDenialGroups at most.
Task<Result<db::Rows>> list_denials(db::Transaction& tx, AgentId agent, Time from);

// How many refusals the log counts without listing them.
Task<Result<std::int64_t>> count_unlisted_denials(db::Transaction& tx, AgentId agent, Time from);

}  // namespace deployclaw::store
