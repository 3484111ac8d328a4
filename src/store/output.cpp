#include "store/output.hpp"

namespace deployclaw::store {
namespace {

#define DEPLOYCLAW_OUTPUT_COLUMNS                                                      \
  "seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), stream, " \
  "line FROM "

}  // namespace

constexpr db::Statement kOutputTail{
    "output_tail", "SELECT " DEPLOYCLAW_OUTPUT_COLUMNS
                   "(SELECT seq, at, stream, line FROM agent_output WHERE agent_id = $1 "
                   "AND ($3::timestamptz IS NULL OR at >= $3) ORDER BY seq DESC LIMIT $2) newest "
                   "ORDER BY seq"};

Task<Result<db::Rows>> output_tail(db::Database& db, ClientId client, AgentId agent,
                                   std::int64_t tail, std::optional<Time> since) {
  auto params = db::Params::of(agent, tail, since);
  auto rows = co_await db.query(client, kOutputTail, std::move(params));
  co_return rows;
}

constexpr db::Statement kOutputAfter{
    "output_after", "SELECT " DEPLOYCLAW_OUTPUT_COLUMNS
                    "agent_output WHERE agent_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"};

Task<Result<db::Rows>> output_after(db::Database& db, ClientId client, AgentId agent,
                                    std::int64_t seq, std::int64_t limit) {
  auto params = db::Params::of(agent, seq, limit);
  auto rows = co_await db.query(client, kOutputAfter, std::move(params));
  co_return rows;
}

constexpr db::Statement kCheckStream{
    "check_stream",
    "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND level = 'full' AND expires_at > now()), "
    "EXISTS (SELECT FROM agents WHERE id = $2)"};

Task<Result<StreamCheck>> check_stream(db::Database& db, ClientId client, SessionId session,
                                       AgentId agent) {
  auto params = db::Params::of(session, agent);
  const auto rows = co_await db.query(client, kCheckStream, std::move(params));
  if (!rows) co_return context("check stream", rows.error());
  co_return StreamCheck{.session_lives = rows->front().boolean(0),
                        .agent_exists = rows->front().boolean(1)};
}

}  // namespace deployclaw::store
