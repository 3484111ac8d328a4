#include "store/denials.hpp"

namespace deployclaw::store {
namespace {

// A million records take some seconds.
constexpr std::chrono::milliseconds kDeadline{20'000};

// A fixed-width time in front makes max() choose the latest record's texts.
constexpr db::Statement kListDenials{
    "list_denials",
    "SELECT metadata ->> 'layer', coalesce(metadata ->> 'host', ''), "
    "  CASE WHEN metadata ->> 'port' ~ '^[0-9]{1,5}$' THEN (metadata ->> 'port')::int END, "
    "  coalesce(metadata ->> 'tls', 'true') = 'true', coalesce(metadata ->> 'method', ''), "
    "  coalesce(metadata ->> 'rule', ''), coalesce(metadata ->> 'missingScope', ''), "
    "  CASE WHEN metadata ? 'host' THEN '' ELSE coalesce(target, '') END, "
    "  count(*), max(created_at), "
    "  max(ARRAY[to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), "
    "            coalesce(metadata ->> 'path', ''), coalesce(metadata ->> 'reason', '')]) "
    "FROM audit_logs "
    "WHERE agent_id = $1 AND created_at >= $2 AND outcome = 'denied' AND actor_type = 'agent' "
    "  AND metadata ->> 'layer' IN ('client', 'domain', 'service', 'scope', 'port', 'dns') "
    "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 9 DESC, 10 DESC LIMIT $3"};

constexpr db::Statement kCountUnlisted{
    "count_unlisted_denials",
    "SELECT coalesce(sum((metadata ->> 'leftOut')::bigint), 0)::bigint FROM audit_logs "
    "WHERE agent_id = $1 AND created_at >= $2 AND outcome = 'denied' "
    "  AND metadata ->> 'leftOut' ~ '^[0-9]{1,15}$'"};

}  // namespace

Task<Result<db::Rows>> list_denials(db::Transaction& tx, AgentId agent, Time from) {
  auto params = db::Params::of(agent, from, kMostDenialGroups);
  auto rows = co_await tx.query(kListDenials, std::move(params), kDeadline);
  co_return rows;
}

Task<Result<std::int64_t>> count_unlisted_denials(db::Transaction& tx, AgentId agent, Time from) {
  auto params = db::Params::of(agent, from);
  const auto rows = co_await tx.query(kCountUnlisted, std::move(params), kDeadline);
  if (!rows) co_return context("count unlisted denials", rows.error());
  co_return rows->front().int64(0);
}

}  // namespace deployclaw::store
