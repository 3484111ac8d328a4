#include "store/observations.hpp"

namespace deployclaw::store {

constexpr db::Statement kFindHealth{
    "find_health",
    "SELECT a.desired_state, a.status, a.status_reason, o.health, o.checks, o.restarts, "
    "to_char(o.next_retry_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
    "o.last_exit_code "
    "FROM agents a LEFT JOIN agent_observations o ON o.agent_id = a.id WHERE a.id = $1"};

Task<Result<db::Rows>> find_health(db::Database& db, ClientId client, AgentId agent) {
  auto params = db::Params::of(agent);
  auto rows = co_await db.query(client, kFindHealth, std::move(params));
  co_return rows;
}

}  // namespace deployclaw::store
