#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/transaction.hpp"

// An agent's requests of a while ago, out of the audit log, for judging them again. These take
// seconds for a long log, so they have a connection of their own: a transaction.
namespace deployclaw::store {

struct ReplayColumn {
  enum : int {
    kKey,   // a hash of what a group has in common
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
    kLast,  // text[] {time, path, reason} of the latest
  };
};

inline constexpr std::int64_t kMostReplayGroups = 20'000;

// The requests of an agent in [from, to) in groups that are alike, the most frequent first,
// kMostReplayGroups at most. Paths count only of requests that no rule of the catalogue
// knew.
Task<Result<db::Rows>> list_replay_groups(db::Transaction& tx, AgentId agent, Time from, Time to);

// When each of them was, in the order of time: rows of {microseconds since 1970, key}, at most
// `limit`, those after `after`. No two records of one client have one time.
Task<Result<db::Rows>> list_replay_times(db::Transaction& tx, AgentId agent, std::int64_t after,
                                         Time to, std::int64_t limit);

}  // namespace deployclaw::store
