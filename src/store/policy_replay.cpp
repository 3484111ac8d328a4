#include "store/policy_replay.hpp"

namespace deployclaw::store {
namespace {

// A million records take some seconds.
constexpr std::chrono::milliseconds kDeadline{25'000};

// What a request is alike in. An outcome that came into the log apart from its intent says nothing
// of the request and is none. Of what no rule of the
// catalogue knew the path counts too.
#define DEPLOYCLAW_REPLAY_KEY                                                                     \
  "hashtextextended(concat_ws(E'\\x01', coalesce(metadata ->> 'host', target), "                  \
  "  metadata ->> 'port', metadata ->> 'tls', metadata ->> 'websocket', metadata ->> 'method', "  \
  "  CASE WHEN metadata ? 'rule' THEN metadata ->> 'rule' WHEN metadata ->> 'layer' = 'service' " \
  "    THEN '/' || left(metadata ->> 'path', 1024) END, outcome = 'denied', metadata ->> "        \
  "'layer'), 0)"
#define DEPLOYCLAW_REPLAY_RECORDS                                 \
  "FROM audit_logs WHERE agent_id = $1 AND actor_type = 'agent' " \
  "AND (metadata ? 'host' OR (outcome = 'denied' AND metadata ? 'layer')) "

constexpr db::Statement kListGroups{
    "list_replay_groups",
    "SELECT " DEPLOYCLAW_REPLAY_KEY
    ", "
    "  min(CASE WHEN metadata ? 'host' THEN metadata ->> 'host' ELSE '' END), "
    "  min(CASE WHEN metadata ->> 'port' ~ '^[0-9]{1,5}$' THEN (metadata ->> 'port')::int END), "
    "  bool_and(coalesce(metadata ->> 'tls', 'true') = 'true'), "
    "  bool_and(coalesce(metadata ->> 'websocket', 'false') = 'true'), "
    "  coalesce(min(metadata ->> 'method'), ''), coalesce(min(metadata ->> 'rule'), ''), "
    "  bool_and(outcome = 'denied'), coalesce(min(metadata ->> 'layer'), ''), "
    "  coalesce(min(CASE WHEN metadata ? 'host' THEN '' ELSE target END), ''), "
    "  count(*), max(created_at), "
    "  max(ARRAY[to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), "
    "            coalesce(metadata ->> 'path', ''), coalesce(metadata ->> 'reason', "
    "'')]) " DEPLOYCLAW_REPLAY_RECORDS
    "AND created_at >= $2 AND created_at < $3 GROUP BY 1 ORDER BY 11 DESC, 12 DESC LIMIT $4"};

constexpr db::Statement kListTimes{
    "list_replay_times",
    "SELECT (extract(epoch FROM created_at) * 1000000)::bigint, " DEPLOYCLAW_REPLAY_KEY
    " " DEPLOYCLAW_REPLAY_RECORDS
    "AND created_at > timestamptz 'epoch' + $2::bigint * interval '1 microsecond' "
    "AND created_at < $3 ORDER BY created_at LIMIT $4"};

}  // namespace

Task<Result<db::Rows>> list_replay_groups(db::Transaction& tx, AgentId agent, Time from, Time to) {
  auto params = db::Params::of(agent, from, to, kMostReplayGroups);
  auto rows = co_await tx.query(kListGroups, std::move(params), kDeadline);
  co_return rows;
}

Task<Result<db::Rows>> list_replay_times(db::Transaction& tx, AgentId agent, std::int64_t after,
                                         Time to, std::int64_t limit) {
  auto params = db::Params::of(agent, after, to, limit);
  auto rows = co_await tx.query(kListTimes, std::move(params), kDeadline);
  co_return rows;
}

}  // namespace deployclaw::store
