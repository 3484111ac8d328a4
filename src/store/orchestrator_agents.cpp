#include "store/orchestrator_agents.hpp"

#include <charconv>

namespace deployclaw::store {
namespace json = boost::json;

constexpr db::Statement kClaimAgents{
    "orchestrator_claim_agents",
    "UPDATE agents SET host = $1, updated_at = now() WHERE host IS NULL"};

Task<Result<std::int64_t>> claim_unassigned_agents(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto rows = co_await db.query(kClaimAgents, std::move(params));
  if (!rows) co_return context("claim agents", rows.error());
  co_return rows->affected();
}

constexpr db::Statement kListDesired{
    "orchestrator_list_desired",
    "SELECT a.id, a.client_id, a.desired_state, a.status, coalesce(a.status_reason, ''),"
    "  act.id, act.state, act.generation, act.spec ->> 'runtime',"
    "  jsonb_path_exists(act.steps, '$[*] ? (@.name == \"rollback\")'), coalesce(act.reason, ''),"
    "  live.id, live.generation, live.runtime,"
    "  done.state, coalesce(done.reason, ''), coalesce(done.last_step, ''),"
    "  coalesce(o.restarts, 0), coalesce(o.backoff_step, 0), o.next_retry_at, o.healthy_since,"
    "  coalesce(array(SELECT (extract(epoch FROM t) * 1000000)::bigint::text"
    "                 FROM unnest(o.restart_times) t), '{}'),"
    "  coalesce(host(o.address), ''), done.id "
    "FROM agents a "
    "LEFT JOIN deployments act ON act.agent_id = a.id"
    "  AND act.state IN ('queued', 'pulling', 'creating', 'starting', 'verifying') "
    "LEFT JOIN LATERAL (SELECT d.id, d.generation, d.spec ->> 'runtime' AS runtime"
    "  FROM deployments d WHERE d.agent_id = a.id AND d.state = 'live'"
    "  ORDER BY d.created_at DESC LIMIT 1) live ON true "
    "LEFT JOIN LATERAL (SELECT d.id, d.state, d.reason, d.steps -> -1 ->> 'name' AS last_step"
    "  FROM deployments d WHERE d.agent_id = a.id AND d.state IN ('live', 'failed', 'rolled_back')"
    "  ORDER BY d.created_at DESC LIMIT 1) done ON true "
    "LEFT JOIN agent_observations o ON o.agent_id = a.id "
    "WHERE a.host = $1 ORDER BY a.id"};

namespace {

Time from_epoch(std::string_view microseconds) {
  std::int64_t value = 0;
  std::from_chars(microseconds.data(), microseconds.data() + microseconds.size(), value);
  return Time{std::chrono::microseconds(value)};
}

domain::ActiveDeployment read_active(const db::Row& row,
                                     const std::optional<domain::Target>& live) {
  domain::ActiveDeployment active;
  active.id = row.id<DeploymentTag>(5);
  active.state =
      domain::parse_deployment_state(row.text(6)).value_or(domain::DeploymentState::kQueued);
  active.target.deployment = active.id;
  active.target.generation = row.int64(7);
  active.target.runtime = row.maybe_string(8).value_or("");
  active.may_roll_back = live && live->generation != active.target.generation;
  active.rolling_back = active.may_roll_back && row.boolean(9);
  if (active.rolling_back) {
    active.failure = row.string(10);
    active.target = *live;
  }
  return active;
}

DesiredRow read_desired(const db::Row& row) {
  DesiredRow out;
  auto& agent = out.agent;
  agent.agent = row.id<AgentTag>(0);
  agent.client = row.id<ClientTag>(1);
  agent.state = domain::parse_desired_state(row.text(2)).value_or(domain::DesiredState::kStopped);
  agent.status = domain::parse_agent_status(row.text(3)).value_or(domain::AgentStatus::kError);
  agent.status_reason = row.string(4);
  std::optional<domain::Target> live;
  if (!row.is_null(11)) {
    live = domain::Target{.deployment = row.id<DeploymentTag>(11),
                          .generation = row.int64(12),
                          .runtime = row.maybe_string(13).value_or("")};
  }
  if (!row.is_null(5)) agent.active = read_active(row, live);
  const auto done = row.maybe_text(14);
  if (done == "failed") {
    agent.failure = row.string(15);
    out.failed_step = row.string(16);
    out.failed_deployment = row.id<DeploymentTag>(23);
  } else {
    agent.settled = live;
  }
  auto& memory = agent.restarts;
  memory.total = row.int64(17);
  memory.step = static_cast<int>(row.int64(18));
  memory.next_retry_at = row.maybe_time(19);
  memory.healthy_since = row.maybe_time(20);
  for (const auto& text : row.texts(21)) memory.recent.push_back(from_epoch(text));
  // Only an open circuit makes an error of an agent whose last deployment is good.
  memory.circuit_open =
      agent.status == domain::AgentStatus::kError && agent.settled && !agent.active;
  out.address = row.string(22);
  return out;
}

}  // namespace

Task<Result<std::vector<DesiredRow>>> list_desired(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto rows = co_await db.query(kListDesired, std::move(params));
  if (!rows) co_return context("list desired agents", rows.error());
  std::vector<DesiredRow> out;
  out.reserve(static_cast<std::size_t>(rows->size()));
  for (const auto row : *rows) out.push_back(read_desired(row));
  co_return out;
}

constexpr db::Statement kSetStatus{
    "orchestrator_set_status",
    "UPDATE agents SET status = $2, status_reason = nullif($3, ''), updated_at = now() "
    "WHERE id = $1 AND (status, coalesce(status_reason, '')) IS DISTINCT FROM ($2, $3)"};

Task<Status> set_agent_status(db::Database& db, AgentId agent, domain::AgentStatus status,
                              std::string reason) {
  auto params = db::Params::of(agent, domain::to_string(status), reason);
  const auto rows = co_await db.query(kSetStatus, std::move(params));
  if (!rows) co_return context("set agent status", rows.error());
  co_return Status{};
}

constexpr db::Statement kSetContainer{"orchestrator_set_container",
                                      "UPDATE agents SET container_id = nullif($2, '') "
                                      "WHERE id = $1 AND coalesce(container_id, '') <> $2"};

Task<Status> set_agent_container(db::Database& db, AgentId agent, std::string container) {
  auto params = db::Params::of(agent, container);
  const auto rows = co_await db.query(kSetContainer, std::move(params));
  if (!rows) co_return context("set agent container", rows.error());
  co_return Status{};
}

constexpr db::Statement kDeleteAgent{
    "orchestrator_delete_agent",
    "DELETE FROM agents WHERE id = $1 AND desired_state = 'deleted' RETURNING name"};

Task<Result<std::optional<std::string>>> delete_agent(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kDeleteAgent, std::move(params));
  if (!rows) co_return context("delete agent", rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return rows->front().string(0);
}

constexpr db::Statement kLoadSpec{
    "orchestrator_load_spec",
    "SELECT a.client_id, c.vault_salt, a.name, d.spec, a.permissions FROM agents a "
    "JOIN clients c ON c.id = a.client_id JOIN deployments d ON d.agent_id = a.id "
    "WHERE a.id = $1 AND d.id = $2"};
constexpr db::Statement kLoadPlaceholders{
    "orchestrator_load_placeholders",
    "SELECT name, kind, hosts, placeholder FROM agent_credentials WHERE agent_id = $1 "
    "ORDER BY name"};

Task<Result<LaunchSpec>> load_launch_spec(db::Database& db, AgentId agent,
                                          DeploymentId deployment) {
  auto params = db::Params::of(agent, deployment);
  const auto rows = co_await db.query(kLoadSpec, std::move(params));
  if (!rows) co_return context("load deployment", rows.error());
  if (rows->empty()) co_return fail(Code::kNotFound, "the deployment is gone");
  auto only_agent = db::Params::of(agent);
  const auto credentials = co_await db.query(kLoadPlaceholders, std::move(only_agent));
  if (!credentials) co_return context("load credentials", credentials.error());
  const auto row = rows->front();
  LaunchSpec out;
  out.client = row.id<ClientTag>(0);
  out.client_salt = row.bytes(1);
  out.agent_name = row.string(2);
  json::value spec = row.json(3);
  if (!spec.is_object()) co_return fail(Code::kCorrupt, "the deployment's spec is no object");
  out.spec = std::move(spec.get_object());
  json::value permissions = row.json(4);
  if (permissions.is_object()) out.permissions = std::move(permissions.get_object());
  for (const auto line : *credentials) {
    out.credentials.push_back({.name = line.string(0),
                               .kind = line.string(1),
                               .hosts = line.texts(2),
                               .placeholder = line.string(3)});
  }
  co_return out;
}

constexpr db::Statement kLoadInstance{"orchestrator_load_instance",
                                      "SELECT instance_id FROM platform"};

Task<Result<std::string>> load_instance(db::Database& db) {
  const auto rows = co_await db.query(kLoadInstance);
  if (!rows) co_return context("load instance id", rows.error());
  if (rows->empty()) co_return fail(Code::kUnavailable, "the database has no platform row");
  co_return rows->front().string(0);
}

}  // namespace deployclaw::store
