#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// What agents have used of their limits, as the database keeps it. audit.append_egress writes it,
// in the transaction that moves the spool's position (store/egress.hpp).
namespace deployclaw::store {

struct ScopeUses {
  std::string scope;
  std::vector<std::int64_t> at;  // milliseconds since 1970
};
struct StoredCharges {
  AgentId agent;
  std::vector<ScopeUses> uses;  // a scope may come several times
  // By day since 1970, in micro-dollars.
  std::vector<std::pair<std::int32_t, std::uint64_t>> settled;
  struct Open {
    std::uint64_t worker = 0;
    std::uint64_t intent = 0;
    std::int32_t day = 0;
    std::uint64_t amount = 0;
  };
  std::vector<Open> open;
};

// Of each of the agents, in their order: uses and spend since `since` (milliseconds since 1970),
// and every reservation.
Task<Result<std::vector<StoredCharges>>> list_charges(db::Database& db, std::vector<AgentId> agents,
                                                      std::int64_t since);

// audit.prune_charges(): deletes what is too old for anybody to ask for; how many rows.
Task<Result<std::int64_t>> prune_charges(db::Database& db);

}  // namespace deployclaw::store
