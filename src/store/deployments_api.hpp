#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// Deployments as the api asks for them and shows them; the orchestrator carries them out.
namespace deployclaw::store {

// Queues a deployment of the agent as it stands now. `kind`: create, update, restart, start.
// kConflict when one is still active: cancel it first.
Task<Status> queue_deployment(db::Transaction& tx, AgentId agent, std::string kind,
                              UserId requested_by);

// Ends the active deployment, if there is one, because a newer wish overtakes it.
Task<Status> cancel_active_deployment(db::Transaction& tx, AgentId agent, std::string reason);

// True while a deployment is queued or being carried out.
Task<Result<bool>> has_active_deployment(db::Transaction& tx, AgentId agent);

struct DeploymentColumn {
  enum : int {
    kId,
    kKind,
    kState,
    kGeneration,
    kSteps,
    kExitCode,
    kLastOutput,
    kReason,
    kCreatedAt,
    kEndedAt,
    kSortTime,  // microseconds since 1970
  };
};
// The agent's deployments, newest first, older than `before`.
Task<Result<db::Rows>> list_deployments(db::Database& db, ClientId client, AgentId agent,
                                        std::int64_t limit, std::optional<Time> before);

}  // namespace deployclaw::store
