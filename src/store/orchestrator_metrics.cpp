#include "store/orchestrator_metrics.hpp"

#include "domain/metric_window.hpp"

namespace deployclaw::store {

// Through agents: one that was deleted meanwhile is no error, just no row; and the client is its
// own.
constexpr db::Statement kInsert{
    "orchestrator_insert_metrics",
    "INSERT INTO agent_metrics (client_id, agent_id, resolution, at, measured_seconds,"
    "  cpu_seconds, memory_bytes, memory_limit_bytes, received_bytes, sent_bytes) "
    "SELECT a.client_id, a.id, $1::integer, $2::timestamptz, s.measured::double precision,"
    "  s.cpu::double precision, s.memory::bigint, nullif(s.most, '')::bigint,"
    "  s.received::bigint, s.sent::bigint "
    "FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],"
    "  $9::text[]) AS s (agent, measured, cpu, memory, most, received, sent) "
    "JOIN agents a ON a.id = s.agent ON CONFLICT DO NOTHING"};

Task<Status> insert_metrics(db::Database& db, Time at, std::vector<MetricSample> samples) {
  std::vector<AgentId> agents;
  std::vector<std::string> measured, cpu, memory, most, received, sent;
  for (const auto& [agent, usage] : samples) {
    agents.push_back(agent);
    measured.push_back(std::to_string(usage.measured_seconds));
    cpu.push_back(std::to_string(usage.cpu_seconds));
    memory.push_back(std::to_string(usage.memory_bytes));
    const auto& limit = usage.memory_limit_bytes;
    most.push_back(limit ? std::to_string(*limit) : std::string());
    received.push_back(std::to_string(usage.received_bytes));
    sent.push_back(std::to_string(usage.sent_bytes));
  }
  auto params = db::Params::of(domain::kShortestMetricStep.count(), at, agents, measured, cpu,
                               memory, most, received, sent);
  const auto rows = co_await db.query(kInsert, std::move(params));
  if (!rows) co_return context("insert metrics", rows.error());
  co_return Status{};
}

// In the order of the key, so that two that roll up never wait for one another.
constexpr db::Statement kRollUp{
    "orchestrator_roll_up_metrics",
    "INSERT INTO agent_metrics (client_id, agent_id, resolution, at, measured_seconds,"
    "  cpu_seconds, memory_bytes, memory_limit_bytes, received_bytes, sent_bytes) "
    "SELECT m.client_id, m.agent_id, $3::integer,"
    "  date_bin(make_interval(secs => $3::integer), m.at, timestamptz 'epoch') AS stretch,"
    "  sum(m.measured_seconds), sum(m.cpu_seconds),"
    "  (sum(m.memory_bytes * m.measured_seconds) / sum(m.measured_seconds))::bigint,"
    "  max(m.memory_limit_bytes), sum(m.received_bytes), sum(m.sent_bytes) "
    "FROM agent_metrics m JOIN agents a ON a.id = m.agent_id "
    "WHERE a.host = $1 AND m.resolution = $2::integer AND m.at >= $4 "
    "GROUP BY m.client_id, m.agent_id, stretch ORDER BY m.agent_id, stretch "
    "ON CONFLICT (agent_id, resolution, at) DO UPDATE SET"
    "  measured_seconds = excluded.measured_seconds, cpu_seconds = excluded.cpu_seconds,"
    "  memory_bytes = excluded.memory_bytes, memory_limit_bytes = excluded.memory_limit_bytes,"
    "  received_bytes = excluded.received_bytes, sent_bytes = excluded.sent_bytes"};

Task<Status> roll_up_metrics(db::Database& db, std::string host, std::chrono::seconds fine,
                             std::chrono::seconds coarse, Time from) {
  auto params = db::Params::of(host, fine.count(), coarse.count(), from);
  const auto rows = co_await db.query(kRollUp, std::move(params));
  if (!rows) co_return context("roll up metrics", rows.error());
  co_return Status{};
}

constexpr db::Statement kPrune{
    "orchestrator_prune_metrics",
    "DELETE FROM agent_metrics WHERE resolution = $1::integer AND at < $2"};

Task<Status> prune_metrics(db::Database& db, std::chrono::seconds resolution, Time before) {
  auto params = db::Params::of(resolution.count(), before);
  const auto rows = co_await db.query(kPrune, std::move(params));
  if (!rows) co_return context("prune metrics", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store
