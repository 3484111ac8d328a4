#include "store/orchestrator_output.hpp"

namespace deployclaw::store {

// One agent has one collector, so the next number is the newest one plus one.
constexpr db::Statement kAppend{
    "orchestrator_append_output",
    "WITH newest AS (SELECT coalesce(max(seq), 0) AS seq FROM agent_output WHERE agent_id = $1),"
    "  gone AS (DELETE FROM agent_output o USING newest WHERE o.agent_id = $1"
    "    AND o.seq <= newest.seq + cardinality($3::text[]) - $6::bigint) "
    "INSERT INTO agent_output (agent_id, client_id, seq, at, stream, line) "
    "SELECT a.id, $2::uuid, newest.seq + l.n, l.at::timestamptz, l.stream, l.line "
    "FROM agents a, newest,"
    "  unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS l (at, stream, line, n) "
    "WHERE a.id = $1"};

Task<Status> append_output(db::Database& db, AgentId agent, ClientId client,
                           std::vector<OutputLine> lines, std::int64_t keep) {
  std::vector<std::string> times;
  std::vector<std::string> streams;
  std::vector<std::string> texts;
  for (auto& line : lines) {
    // In full precision: the collector goes on from the last time.
    const auto micros = line.at.time_since_epoch().count() % 1'000'000;
    const auto whole = std::chrono::floor<std::chrono::seconds>(line.at);
    std::string time = format_time(whole);
    std::string fraction = std::to_string(1'000'000 + micros).substr(1);
    times.push_back(time.substr(0, 19) + "." + fraction + "Z");
    streams.emplace_back(line.is_stderr ? "stderr" : "stdout");
    texts.push_back(std::move(line.text));
  }
  auto params = db::Params::of(agent, client, times, streams, texts, keep);
  const auto rows = co_await db.query(kAppend, std::move(params));
  if (!rows) co_return context("append output", rows.error());
  co_return Status{};
}

constexpr db::Statement kFindEnd{
    "orchestrator_find_output_end",
    "SELECT at, (SELECT count(*) FROM agent_output s WHERE s.agent_id = $1 AND s.at = o.at) "
    "FROM agent_output o WHERE agent_id = $1 ORDER BY seq DESC LIMIT 1"};

Task<Result<std::optional<OutputEnd>>> find_output_end(db::Database& db, AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await db.query(kFindEnd, std::move(params));
  if (!rows) co_return context("find output", rows.error());
  if (rows->empty()) co_return std::nullopt;
  const auto row = rows->front();
  co_return OutputEnd{.at = row.time(0), .lines_at = row.int64(1)};
}

}  // namespace deployclaw::store
