#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/transaction.hpp"

// An agent's requests of a while ago, out of the audit log, for judging them again. These take
// seconds for a long log, so they have a connection of their own: a transaction.
namespace deployclaw::store {

struct ReplayColumn {
  enum : int {
    kHost,  // "" when only `kTarget` tells
    kPort,  // null
    kTls,   // boolean
    kWebsocket,
    kMethod,  // ""
    kRule,    // ""
    kDenied,  // boolean
    kLayer,   // ""
    kTarget,  // of refused connections and names, else ""
    kCount,
    kLastAt,
    kPath,    // of the latest
    kReason,  // of the latest
    kTimes,   // int8[]: when each was, in milliseconds since 1970, in no order; never null
  };
};

inline constexpr std::int64_t kMostReplayGroups = 20'000;
inline constexpr std::int64_t kMostReplayRecords = 3'000'000;

// The requests of an agent in [from, to) in groups that are alike, the most frequent first: of the
// newest kMostReplayRecords, kMostReplayGroups at most. Paths count only of requests that no rule
// of the catalogue knew.
Task<Result<db::Rows>> list_replay_groups(db::Transaction& tx, AgentId agent, Time from, Time to);

// What is in a kTimes; what is none is left out.
std::vector<std::int64_t> parse_times(std::string_view array);

}  // namespace deployclaw::store
