#pragma once

#include <boost/json/array.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"
#include "domain/deployment.hpp"

// Deployments as the orchestrator works on them. Whoever works holds the row's lease; every write
// is refused (false) once the lease or the expected state is lost, for example because the customer
// overtook the deployment with a newer one.
namespace deployclaw::store {

using LeaseTime = std::chrono::milliseconds;

// Takes an active deployment that is free, lapsed, or ours. Gives its steps so far; nullopt when
// another owner holds it or it is no longer active.
Task<Result<std::optional<boost::json::array>>> claim_deployment(db::Database& db, DeploymentId id,
                                                                 std::string owner,
                                                                 LeaseTime lease);
// Renews every lease of `owner` on active deployments.
Task<Status> renew_deployments(db::Database& db, std::string owner, LeaseTime lease);
// Gives them up, so that the next process need not wait.
Task<Status> release_deployments(db::Database& db, std::string owner);

struct DeploymentChange {
  DeploymentId id;
  std::string owner;
  domain::DeploymentState from = domain::DeploymentState::kQueued;
  domain::DeploymentState to = domain::DeploymentState::kQueued;  // equal to `from`: steps alone
  boost::json::array steps = {};
};
Task<Result<bool>> advance_deployment(db::Database& db, DeploymentChange change);

// How a deployment failed, for its owner.
struct Outcome {
  std::string reason = {};
  std::optional<std::int32_t> exit_code = {};
  std::optional<std::string> last_output = {};
};
// Back to `pulling` with what failed kept in the row; `change.steps` hold the step "rollback".
Task<Result<bool>> begin_rollback(db::Transaction& tx, DeploymentChange change, Outcome outcome);
// The end: a final state. What an earlier begin_rollback noted is kept where `outcome` is empty.
Task<Result<bool>> finish_deployment(db::Transaction& tx, DeploymentChange change, Outcome outcome);

// A failed deployment once more, after its cause has gone. False when there is an active one.
Task<Result<bool>> repeat_deployment(db::Database& db, AgentId agent);

}  // namespace deployclaw::store
