#include "store/orchestrator_observations.hpp"

#include <boost/json/value.hpp>
#include <vector>

namespace deployclaw::store {
namespace json = boost::json;

// Through a SELECT on agents: an agent that was deleted meanwhile is no error, just no row.
constexpr db::Statement kSaveObservation{
    "orchestrator_save_observation",
    "INSERT INTO agent_observations AS o (agent_id, client_id, container_id, generation,"
    "  container_state, interface, health, checks, last_exit_code, started_at) "
    "SELECT a.id, $2::uuid, nullif($3, ''), $4::bigint, nullif($5, ''), nullif($6, ''), $7, $8,"
    "  $9::integer, $10::timestamptz FROM agents a WHERE a.id = $1 "
    "ON CONFLICT (agent_id) DO UPDATE SET container_id = excluded.container_id,"
    "  generation = excluded.generation, container_state = excluded.container_state,"
    "  interface = excluded.interface, health = excluded.health, checks = excluded.checks,"
    "  last_exit_code = coalesce(excluded.last_exit_code, o.last_exit_code),"
    "  started_at = coalesce(excluded.started_at, o.started_at), updated_at = now()"};

Task<Status> save_observation(db::Database& db, Observation o) {
  const json::value checks = std::move(o.checks);
  auto params = db::Params::of(o.agent, o.client, o.container_id, o.generation, o.container_state,
                               o.interface, o.health, checks, o.last_exit_code, o.started_at);
  const auto rows = co_await db.query(kSaveObservation, std::move(params));
  if (!rows) co_return context("save observation", rows.error());
  co_return Status{};
}

constexpr db::Statement kSaveRestarts{
    "orchestrator_save_restarts",
    "INSERT INTO agent_observations (agent_id, client_id, restarts, backoff_step, next_retry_at,"
    "  healthy_since, restart_times) "
    "SELECT a.id, $2::uuid, $3::integer, $4::integer, $5::timestamptz, $6::timestamptz,"
    "  $7::text[]::timestamptz[] FROM agents a WHERE a.id = $1 "
    "ON CONFLICT (agent_id) DO UPDATE SET restarts = excluded.restarts,"
    "  backoff_step = excluded.backoff_step, next_retry_at = excluded.next_retry_at,"
    "  healthy_since = excluded.healthy_since, restart_times = excluded.restart_times,"
    "  updated_at = now()"};

Task<Status> save_restarts(db::Database& db, AgentId agent, ClientId client,
                           domain::RestartMemory memory) {
  std::vector<std::string> recent;
  for (const Time time : memory.recent) recent.push_back(format_time(time));
  auto params = db::Params::of(agent, client, memory.total, memory.step, memory.next_retry_at,
                               memory.healthy_since, recent);
  const auto rows = co_await db.query(kSaveRestarts, std::move(params));
  if (!rows) co_return context("save restarts", rows.error());
  co_return Status{};
}

constexpr db::Statement kSaveAddress{
    "orchestrator_save_address",
    "INSERT INTO agent_observations (agent_id, client_id, address) "
    "SELECT a.id, $2::uuid, $3::inet FROM agents a WHERE a.id = $1 "
    "ON CONFLICT (agent_id) DO UPDATE SET address = excluded.address, updated_at = now()"};

Task<Status> save_address(db::Database& db, AgentId agent, ClientId client, std::string address) {
  auto params = db::Params::of(agent, client, address);
  const auto rows = co_await db.query(kSaveAddress, std::move(params));
  if (!rows) co_return context("save address", rows.error());
  if (rows->affected() != 1) co_return fail(Code::kNotFound, "the agent is gone");
  co_return Status{};
}

constexpr db::Statement kListAddresses{
    "orchestrator_list_addresses",
    "SELECT host(o.address) FROM agent_observations o JOIN agents a ON a.id = o.agent_id "
    "WHERE a.host = $1 AND o.address IS NOT NULL"};

Task<Result<std::set<std::string>>> list_addresses(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto rows = co_await db.query(kListAddresses, std::move(params));
  if (!rows) co_return context("list addresses", rows.error());
  std::set<std::string> out;
  for (const auto row : *rows) out.insert(row.string(0));
  co_return out;
}

}  // namespace deployclaw::store
