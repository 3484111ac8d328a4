#include "store/deployments_api.hpp"

namespace deployclaw::store {

constexpr db::Statement kQueueDeployment{
    "queue_deployment",
    "INSERT INTO deployments (client_id, agent_id, kind, generation, spec, requested_by) "
    "SELECT client_id, id, $2, generation, jsonb_build_object('runtime', runtime, "
    "'runtimeVersion', runtime_version, 'config', config, 'permissions', permissions, "
    "'resources', resources), $3 FROM agents WHERE id = $1"};

Task<Status> queue_deployment(db::Transaction& tx, AgentId agent, std::string kind,
                              UserId requested_by) {
  auto params = db::Params::of(agent, kind, requested_by);
  const auto rows = co_await tx.query(kQueueDeployment, std::move(params));
  if (!rows) co_return context("queue deployment", rows.error());
  co_return Status{};
}

constexpr db::Statement kCancelActive{
    "cancel_active_deployment",
    "UPDATE deployments SET state = 'cancelled', ended_at = now(), reason = $2 "
    "WHERE agent_id = $1 "
    "AND state IN ('queued', 'pulling', 'creating', 'starting', 'verifying')"};

Task<Status> cancel_active_deployment(db::Transaction& tx, AgentId agent, std::string reason) {
  auto params = db::Params::of(agent, reason);
  const auto rows = co_await tx.query(kCancelActive, std::move(params));
  if (!rows) co_return context("cancel deployment", rows.error());
  co_return Status{};
}

constexpr db::Statement kHasActive{
    "has_active_deployment",
    "SELECT EXISTS (SELECT FROM deployments WHERE agent_id = $1 "
    "AND state IN ('queued', 'pulling', 'creating', 'starting', 'verifying'))"};

Task<Result<bool>> has_active_deployment(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kHasActive, std::move(params));
  if (!rows) co_return context("find active deployment", rows.error());
  co_return rows->front().boolean(0);
}

// A macro, because a statement is one constant and this part is shared by two.
#define DEPLOYCLAW_DEPLOYMENT_COLUMNS                                                    \
  "d.id, d.kind, d.state, d.generation, d.steps, d.exit_code, d.last_output, d.reason, " \
  "to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "      \
  "to_char(d.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

constexpr db::Statement kListDeployments{
    "list_deployments",
    "SELECT " DEPLOYCLAW_DEPLOYMENT_COLUMNS
    ", (extract(epoch FROM d.created_at) * 1000000)::bigint "
    "FROM deployments d WHERE d.agent_id = $1 "
    "AND ($3::timestamptz IS NULL OR d.created_at < $3) ORDER BY d.created_at DESC LIMIT $2"};

Task<Result<db::Rows>> list_deployments(db::Database& db, ClientId client, AgentId agent,
                                        std::int64_t limit, std::optional<Time> before) {
  auto params = db::Params::of(agent, limit, before);
  auto rows = co_await db.query(client, kListDeployments, std::move(params));
  co_return rows;
}

constexpr db::Statement kFindDeployment{
    "find_deployment",
    "SELECT " DEPLOYCLAW_DEPLOYMENT_COLUMNS
    ", d.spec, (SELECT b.spec FROM deployments b WHERE b.agent_id = d.agent_id "
    "AND (b.created_at, b.id) < (d.created_at, d.id) "
    "ORDER BY b.created_at DESC, b.id DESC LIMIT 1), a.config "
    "FROM deployments d JOIN agents a ON a.id = d.agent_id WHERE d.agent_id = $1 AND d.id = $2"};

Task<Result<db::Rows>> find_deployment(db::Database& db, ClientId client, AgentId agent,
                                       DeploymentId deployment) {
  auto params = db::Params::of(agent, deployment);
  auto rows = co_await db.query(client, kFindDeployment, std::move(params));
  co_return rows;
}

constexpr db::Statement kFindDeployedSpec{
    "find_deployed_spec", "SELECT spec FROM deployments WHERE agent_id = $1 AND id = $2"};

Task<Result<std::optional<boost::json::object>>> find_deployed_spec(db::Transaction& tx,
                                                                    AgentId agent,
                                                                    DeploymentId deployment) {
  auto params = db::Params::of(agent, deployment);
  const auto rows = co_await tx.query(kFindDeployedSpec, std::move(params));
  if (!rows) co_return context("find deployment", rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto spec = rows->front().json(0);
  if (!spec.is_object()) co_return fail(Code::kCorrupt, "the deployment's spec is no object");
  co_return std::move(spec.get_object());
}

}  // namespace deployclaw::store
