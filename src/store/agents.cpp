#include "store/agents.hpp"

#include <boost/json/value.hpp>

#include "store/latest_usage_sql.hpp"

namespace deployclaw::store {
namespace {

namespace json = boost::json;

// Macros, because a statement is one constant and these parts are shared by three.
#define DEPLOYCLAW_TIME_TEXT(column) \
  "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#define DEPLOYCLAW_AGENT_COLUMNS \
  "a.id, a.name, a.runtime, a.runtime_version, a.status, a.desired_state, "              \
  "a.status_reason, a.config, a.permissions, a.resources, a.host, a.endpoint, "          \
  "a.generation, " DEPLOYCLAW_TIME_TEXT("a.created_at") ", " DEPLOYCLAW_TIME_TEXT(       \
      "a.updated_at") ", d.id, d.kind, d.state, d.generation, d.steps, d.exit_code, "    \
                      "d.last_output, d.reason, " DEPLOYCLAW_TIME_TEXT(                  \
                          "d.created_at") ", " DEPLOYCLAW_TIME_TEXT("d.ended_at") DEPLOYCLAW_AGENT_NOW

// What it does and spends, so that a list takes no query for each agent.
#define DEPLOYCLAW_AGENT_NOW                                                                       \
  ", coalesce((SELECT s.settled FROM model_spend s WHERE s.agent_id = a.id AND "                   \
  "s.day = (now() AT TIME ZONE 'UTC')::date), 0), "                                                \
  "(SELECT c.plan FROM clients c WHERE c.id = a.client_id), o.restarts, " DEPLOYCLAW_USAGE_COLUMNS \
  ", " DEPLOYCLAW_TIME_TEXT("l.created_at") ", l.action_type"

#define DEPLOYCLAW_AGENT_FROM                                                              \
  " FROM agents a LEFT JOIN LATERAL (SELECT * FROM deployments x WHERE x.agent_id = a.id " \
  "ORDER BY x.created_at DESC LIMIT 1) d ON true "                                         \
  "LEFT JOIN agent_observations o ON o.agent_id = a.id "                                   \
  "LEFT JOIN LATERAL (SELECT r.created_at, r.action_type FROM audit_logs r "               \
  "WHERE r.agent_id = a.id ORDER BY r.created_at DESC LIMIT 1) l ON true " DEPLOYCLAW_LATEST_USAGE

// Everything the owner can change, and nothing that the platform changes by itself.
#define DEPLOYCLAW_AGENT_VERSION                                                           \
  "left(encode(sha256(convert_to(jsonb_build_array(a.name, a.runtime_version, "            \
  "a.desired_state, a.generation, a.config, a.permissions, a.resources)::text, 'UTF8')), " \
  "'hex'), 32)"

constexpr db::Statement kListAgents{
    "list_agents", "SELECT " DEPLOYCLAW_AGENT_COLUMNS
                   ", (extract(epoch FROM a.created_at) * 1000000)::bigint" DEPLOYCLAW_AGENT_FROM
                   "ORDER BY a.created_at DESC, a.id DESC LIMIT $1"};

constexpr db::Statement kListAgentsAfter{
    "list_agents_after",
    "SELECT " DEPLOYCLAW_AGENT_COLUMNS
    ", (extract(epoch FROM a.created_at) * 1000000)::bigint" DEPLOYCLAW_AGENT_FROM
    "WHERE (a.created_at, a.id) < ($2::timestamptz, $3::uuid) "
    "ORDER BY a.created_at DESC, a.id DESC LIMIT $1"};

constexpr db::Statement kFindAgent{"find_agent", "SELECT " DEPLOYCLAW_AGENT_COLUMNS
                                                 ", " DEPLOYCLAW_AGENT_VERSION DEPLOYCLAW_AGENT_FROM
                                                 "WHERE a.id = $1"};

json::object object_of(const db::Row& row, int column) {
  auto value = row.json(column);
  if (auto* object = value.if_object()) return std::move(*object);
  return {};
}

Status status_of(std::string_view where, const Result<db::Rows>& rows) {
  if (!rows) return context(where, rows.error());
  return {};
}

}  // namespace

Task<Result<db::Rows>> list_agents(db::Database& db, ClientId client, std::int64_t limit,
                                   std::optional<PageStart> after) {
  if (!after) {
    auto params = db::Params::of(limit);
    auto rows = co_await db.query(client, kListAgents, std::move(params));
    co_return rows;
  }
  auto params = db::Params::of(limit, after->time, after->id);
  auto rows = co_await db.query(client, kListAgentsAfter, std::move(params));
  co_return rows;
}

Task<Result<db::Rows>> find_agent(db::Database& db, ClientId client, AgentId agent) {
  auto params = db::Params::of(agent);
  auto rows = co_await db.query(client, kFindAgent, std::move(params));
  co_return rows;
}

Task<Result<db::Rows>> find_agent(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  auto rows = co_await tx.query(kFindAgent, std::move(params));
  co_return rows;
}

constexpr db::Statement kLockAgent{
    "lock_agent",
    "SELECT a.id, a.name, a.runtime, a.runtime_version, a.status, a.desired_state, a.generation, "
    "a.config, a.permissions, a.resources, " DEPLOYCLAW_AGENT_VERSION
    " FROM agents a WHERE a.id = $1 FOR UPDATE"};

Task<Result<std::optional<LockedAgent>>> lock_agent(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kLockAgent, std::move(params));
  if (!rows) co_return context("lock agent", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return LockedAgent{.id = row.id<AgentTag>(0),
                        .name = row.string(1),
                        .runtime = row.string(2),
                        .runtime_version = row.string(3),
                        .status = row.string(4),
                        .desired_state = row.string(5),
                        .generation = row.int64(6),
                        .config = object_of(row, 7),
                        .permissions = object_of(row, 8),
                        .resources = object_of(row, 9),
                        .version = row.string(10)};
}

constexpr db::Statement kLockClient{"lock_client",
                                    "SELECT plan FROM clients WHERE id = $1 FOR UPDATE"};
// A statement of its own: its snapshot is taken once the lock is held.
constexpr db::Statement kCountAgents{
    "count_agents", "SELECT count(*) FROM agents WHERE desired_state <> 'deleted'"};

Task<Result<ClientUsage>> lock_client_usage(db::Transaction& tx, ClientId client) {
  auto params = db::Params::of(client);
  const auto locked = co_await tx.query(kLockClient, std::move(params));
  if (!locked) co_return context("lock client", locked.error());
  if (locked->empty()) co_return fail(Code::kNotFound, "no such client");
  const auto counted = co_await tx.query(kCountAgents);
  if (!counted) co_return context("count agents", counted.error());
  co_return ClientUsage{.plan = locked->front().string(0), .agents = counted->front().int64(0)};
}

constexpr db::Statement kInsertAgent{
    "insert_agent",
    "INSERT INTO agents (id, client_id, name, status, runtime, runtime_version, desired_state, "
    "config, permissions, resources, created_by) "
    "VALUES ($1, $2, $3, CASE $6::text WHEN 'stopped' THEN 'stopped' ELSE 'provisioning' END, "
    "$4, $5, $6, $7, $8, $9, $10)"};

Task<Status> insert_agent(db::Transaction& tx, NewAgent agent) {
  auto params = db::Params::of(
      agent.id, agent.client, agent.name, agent.runtime, agent.runtime_version, agent.desired_state,
      json::value(std::move(agent.config)), json::value(std::move(agent.permissions)),
      json::value(std::move(agent.resources)), agent.created_by);
  const auto rows = co_await tx.query(kInsertAgent, std::move(params));
  co_return status_of("insert agent", rows);
}

constexpr db::Statement kUpdateAgent{
    "update_agent",
    "UPDATE agents SET name = $2, runtime_version = $3, config = $4, permissions = $5, "
    "resources = $6, generation = $7, updated_at = now() WHERE id = $1"};

Task<Status> update_agent(db::Transaction& tx, LockedAgent agent) {
  auto params = db::Params::of(agent.id, agent.name, agent.runtime_version,
                               json::value(std::move(agent.config)),
                               json::value(std::move(agent.permissions)),
                               json::value(std::move(agent.resources)), agent.generation);
  const auto rows = co_await tx.query(kUpdateAgent, std::move(params));
  co_return status_of("update agent", rows);
}

constexpr db::Statement kSetDesiredState{
    "set_desired_state",
    "UPDATE agents SET desired_state = $2, status = coalesce($3::text, status), "
    "status_reason = CASE WHEN $3::text IS NULL THEN status_reason END, updated_at = now() "
    "WHERE id = $1"};

Task<Status> set_desired_state(db::Transaction& tx, AgentId agent, std::string state,
                               std::optional<std::string> status) {
  auto params = db::Params::of(agent, state, status);
  const auto rows = co_await tx.query(kSetDesiredState, std::move(params));
  co_return status_of("set desired state", rows);
}

constexpr db::Statement kBumpGeneration{
    "bump_generation",
    "UPDATE agents SET generation = generation + 1, updated_at = now() WHERE id = $1"};

Task<Status> bump_generation(db::Transaction& tx, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await tx.query(kBumpGeneration, std::move(params));
  co_return status_of("bump generation", rows);
}

}  // namespace deployclaw::store
