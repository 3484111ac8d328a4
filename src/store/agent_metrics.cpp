#include "store/agent_metrics.hpp"

#include "store/latest_usage_sql.hpp"

namespace deployclaw::store {

constexpr db::Statement kFindUsage{"find_usage",
                                   "SELECT " DEPLOYCLAW_USAGE_COLUMNS
                                   " FROM agents a" DEPLOYCLAW_LATEST_USAGE "WHERE a.id = $1"};

Task<Result<db::Rows>> find_usage(db::Database& db, ClientId client, AgentId agent) {
  auto params = db::Params::of(agent);
  auto rows = co_await db.query(client, kFindUsage, std::move(params));
  co_return rows;
}

// $2 and $3 bound the window, $4 is the step in seconds.
#define DEPLOYCLAW_STEP_OF(time) \
  "floor(extract(epoch FROM " time " - $2::timestamptz) / $4::integer)::integer AS step"

constexpr db::Statement kListMetrics{
    "list_metrics",
    "SELECT " DEPLOYCLAW_STEP_OF(
        "m.at") ", round((sum(m.cpu_seconds) / sum(m.measured_seconds))::numeric, 4), "
                "round((sum(m.memory_bytes * m.measured_seconds) / "
                "sum(m.measured_seconds))::numeric), "
                "sum(m.received_bytes), sum(m.sent_bytes) FROM agent_metrics m "
                "WHERE m.agent_id = $1 AND m.resolution = $5::integer AND m.at >= $2 AND m.at < $3 "
                "GROUP BY step ORDER BY step"};

Task<Result<db::Rows>> list_metrics(db::Database& db, ClientId client, AgentId agent,
                                    domain::MetricWindow window) {
  auto params = db::Params::of(agent, window.from, window.to(), window.step.count(),
                               window.resolution.count());
  auto rows = co_await db.query(client, kListMetrics, std::move(params));
  co_return rows;
}

// The condition on metadata is that of the index audit_model_calls. A call is told of when it
// begins, with a spend of 0, and when it ends.
constexpr db::Statement kListModelCalls{
    "list_model_calls",
    "SELECT " DEPLOYCLAW_STEP_OF(
        "l.created_at") ", coalesce(sum((l.metadata ->> 'tokensIn')::bigint), 0), "
                        "coalesce(sum((l.metadata ->> 'tokensOut')::bigint), 0), "
                        "round(sum((l.metadata ->> 'spentMicroUsd')::bigint) / 1000000, 6) "
                        "FROM audit_logs l WHERE l.agent_id = $1 "
                        "AND l.created_at >= $2 AND l.created_at < $3 "
                        "AND l.metadata ? 'spentMicroUsd' GROUP BY step ORDER BY step"};

Task<Result<db::Rows>> list_model_calls(db::Database& db, ClientId client, AgentId agent,
                                        domain::MetricWindow window) {
  auto params = db::Params::of(agent, window.from, window.to(), window.step.count());
  auto rows = co_await db.query(client, kListModelCalls, std::move(params));
  co_return rows;
}

}  // namespace deployclaw::store
