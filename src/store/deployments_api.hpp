#pragma once

#include <boost/json/object.hpp>
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
    kSortTime,          // list_deployments: microseconds since 1970
    kSpec = kSortTime,  // find_deployment: jsonb, sealed values inside, as in the next two
    kSpecBefore,        // of the agent's deployment before this one; null when it is the first
    kConfigNow,         // the agent's
  };
};
// The agent's deployments, newest first, older than `before`.
Task<Result<db::Rows>> list_deployments(db::Database& db, ClientId client, AgentId agent,
                                        std::int64_t limit, std::optional<Time> before);

// One deployment of this agent with what it deployed, or no row.
Task<Result<db::Rows>> find_deployment(db::Database& db, ClientId client, AgentId agent,
                                       DeploymentId deployment);
// What that deployment deployed: {runtime, runtimeVersion, config, permissions, resources}, sealed
// values inside. nullopt when the agent has no such deployment.
Task<Result<std::optional<boost::json::object>>> find_deployed_spec(db::Transaction& tx,
                                                                    AgentId agent,
                                                                    DeploymentId deployment);

}  // namespace deployclaw::store
