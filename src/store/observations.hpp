#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// What the orchestrator last saw of an agent, for its owner.
namespace deployclaw::store {

struct HealthColumn {
  enum : int {
    kDesiredState,
    kStatus,
    kStatusReason,  // null
    kHealth,        // null: never observed
    kChecks,        // jsonb; null: never observed
    kRestarts,
    kNextRetryAt,  // RFC 3339 or null
    kLastExitCode,
  };
};
// One row, or none when there is no such agent.
Task<Result<db::Rows>> find_health(db::Database& db, ClientId client, AgentId agent);

}  // namespace deployclaw::store
