#include "store/orchestrator_deployments.hpp"

#include <boost/json/value.hpp>

#include "db/error.hpp"

namespace deployclaw::store {
namespace json = boost::json;

constexpr db::Statement kClaim{
    "orchestrator_claim_deployment",
    "UPDATE deployments SET lease_owner = $2,"
    "  lease_until = now() + $3::bigint * interval '1 millisecond',"
    "  started_at = coalesce(started_at, now()) "
    "WHERE id = $1 AND state IN ('queued', 'pulling', 'creating', 'starting', 'verifying')"
    "  AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until < now()) RETURNING steps"};

Task<Result<std::optional<json::array>>> claim_deployment(db::Database& db, DeploymentId id,
                                                          std::string owner, LeaseTime lease) {
  auto params = db::Params::of(id, owner, lease.count());
  const auto rows = co_await db.query(kClaim, std::move(params));
  if (!rows) co_return context("claim deployment", rows.error());
  if (rows->empty()) co_return std::nullopt;
  json::value steps = rows->front().json(0);
  if (!steps.is_array()) co_return json::array{};
  co_return std::move(steps.get_array());
}

constexpr db::Statement kRenew{
    "orchestrator_renew_deployments",
    "UPDATE deployments SET lease_until = now() + $2::bigint * interval '1 millisecond' "
    "WHERE lease_owner = $1"
    "  AND state IN ('queued', 'pulling', 'creating', 'starting', 'verifying')"};

Task<Status> renew_deployments(db::Database& db, std::string owner, LeaseTime lease) {
  auto params = db::Params::of(owner, lease.count());
  const auto rows = co_await db.query(kRenew, std::move(params));
  if (!rows) co_return context("renew deployments", rows.error());
  co_return Status{};
}

constexpr db::Statement kRelease{
    "orchestrator_release_deployments",
    "UPDATE deployments SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1"};

Task<Status> release_deployments(db::Database& db, std::string owner) {
  auto params = db::Params::of(owner);
  const auto rows = co_await db.query(kRelease, std::move(params));
  if (!rows) co_return context("release deployments", rows.error());
  co_return Status{};
}

constexpr db::Statement kAdvance{"orchestrator_advance_deployment",
                                 "UPDATE deployments SET state = $4, steps = $5 "
                                 "WHERE id = $1 AND lease_owner = $2 AND state = $3"};

Task<Result<bool>> advance_deployment(db::Database& db, DeploymentChange change) {
  const json::value steps = std::move(change.steps);
  auto params = db::Params::of(change.id, change.owner, domain::to_string(change.from),
                               domain::to_string(change.to), steps);
  const auto rows = co_await db.query(kAdvance, std::move(params));
  if (!rows) co_return context("advance deployment", rows.error());
  co_return rows->affected() == 1;
}

constexpr db::Statement kBeginRollback{
    "orchestrator_begin_rollback",
    "UPDATE deployments SET state = 'pulling', steps = $4, reason = nullif($5, ''),"
    "  exit_code = $6, last_output = $7 WHERE id = $1 AND lease_owner = $2 AND state = $3"};

Task<Result<bool>> begin_rollback(db::Transaction& tx, DeploymentChange change, Outcome outcome) {
  const json::value steps = std::move(change.steps);
  auto params = db::Params::of(change.id, change.owner, domain::to_string(change.from), steps,
                               outcome.reason, outcome.exit_code, outcome.last_output);
  const auto rows = co_await tx.query(kBeginRollback, std::move(params));
  if (!rows) co_return context("begin rollback", rows.error());
  co_return rows->affected() == 1;
}

constexpr db::Statement kFinish{
    "orchestrator_finish_deployment",
    "UPDATE deployments SET state = $4, steps = $5, reason = coalesce(nullif($6, ''), reason),"
    "  exit_code = coalesce($7, exit_code), last_output = coalesce($8, last_output),"
    "  ended_at = now(), lease_owner = NULL, lease_until = NULL "
    "WHERE id = $1 AND lease_owner = $2 AND state = $3"};

Task<Result<bool>> finish_deployment(db::Transaction& tx, DeploymentChange change,
                                     Outcome outcome) {
  const json::value steps = std::move(change.steps);
  auto params = db::Params::of(change.id, change.owner, domain::to_string(change.from),
                               domain::to_string(change.to), steps, outcome.reason,
                               outcome.exit_code, outcome.last_output);
  const auto rows = co_await tx.query(kFinish, std::move(params));
  if (!rows) co_return context("finish deployment", rows.error());
  co_return rows->affected() == 1;
}

constexpr db::Statement kRepeat{
    "orchestrator_repeat_deployment",
    "INSERT INTO deployments (client_id, agent_id, kind, generation, spec) "
    "SELECT d.client_id, d.agent_id, d.kind, d.generation, d.spec FROM deployments d "
    "JOIN agents a ON a.id = d.agent_id "
    "WHERE d.agent_id = $1 AND d.state = 'failed' AND a.desired_state = 'running' "
    "ORDER BY d.created_at DESC LIMIT 1"};

Task<Result<bool>> repeat_deployment(db::Database& db, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await db.query(kRepeat, std::move(params));
  if (rows) co_return rows->affected() == 1;
  if (db::constraint_of(rows.error()) == "deployments_one_active") co_return false;
  co_return context("repeat deployment", rows.error());
}

}  // namespace deployclaw::store
