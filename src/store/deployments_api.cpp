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

constexpr db::Statement kListDeployments{
    "list_deployments",
    "SELECT id, kind, state, generation, steps, exit_code, last_output, reason, "
    "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
    "to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
    "(extract(epoch FROM created_at) * 1000000)::bigint "
    "FROM deployments WHERE agent_id = $1 AND ($3::timestamptz IS NULL OR created_at < $3) "
    "ORDER BY created_at DESC LIMIT $2"};

Task<Result<db::Rows>> list_deployments(db::Database& db, ClientId client, AgentId agent,
                                        std::int64_t limit, std::optional<Time> before) {
  auto params = db::Params::of(agent, limit, before);
  auto rows = co_await db.query(client, kListDeployments, std::move(params));
  co_return rows;
}

}  // namespace deployclaw::store
