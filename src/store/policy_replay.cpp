#include "store/policy_replay.hpp"

#include <charconv>

namespace deployclaw::store {
namespace {

// A million records take some seconds.
constexpr std::chrono::milliseconds kDeadline{25'000};

// An outcome that came into the log apart from its intent says nothing of the request and is none.
// What a request is alike in is one text, so that the planner expects few groups and hashes; it is
// taken apart again once they are few. The latest of each group is looked up by its time: no two
// records of one client have one time.
constexpr db::Statement kListGroups{
    "list_replay_groups",
    "WITH records AS ("
    "  SELECT concat_ws(E'\\x01', coalesce(metadata ->> 'port', ''), "
    "    coalesce(metadata ->> 'tls', 'true'), coalesce(metadata ->> 'websocket', 'false'), "
    "    coalesce(metadata ->> 'method', ''), coalesce(metadata ->> 'rule', ''), "
    "    outcome = 'denied', coalesce(metadata ->> 'layer', ''), coalesce(metadata ->> 'host', "
    "''), "
    "    CASE WHEN metadata ? 'host' THEN '' ELSE coalesce(target, '') END, "
    "    CASE WHEN metadata ->> 'layer' = 'service' AND NOT metadata ? 'rule' "
    "      THEN left(metadata ->> 'path', 1024) ELSE '' END) AS alike, created_at "
    "  FROM audit_logs WHERE agent_id = $1 AND created_at >= $2 AND created_at < $3 "
    "    AND actor_type = 'agent' "
    "    AND (metadata ? 'host' OR (outcome = 'denied' AND metadata ? 'layer')) "
    "  ORDER BY created_at DESC LIMIT $4), "
    "groups AS ("
    "  SELECT string_to_array(alike, E'\\x01') AS part, count(*) AS count, "
    "    max(created_at) AS last_at, "
    "    array_agg(floor(date_part('epoch', created_at) * 1000)::bigint) AS times "
    "  FROM records GROUP BY alike ORDER BY 2 DESC, 3 DESC LIMIT $5) "
    "SELECT part[8], CASE WHEN part[1] ~ '^[0-9]{1,5}$' THEN part[1]::int END, part[2] = 'true', "
    "  part[3] = 'true', part[4], part[5], part[6] = 't', part[7], part[9], g.count, g.last_at, "
    "  coalesce(latest.path, ''), coalesce(latest.reason, ''), g.times "
    "FROM groups g LEFT JOIN LATERAL ("
    "  SELECT metadata ->> 'path' AS path, metadata ->> 'reason' AS reason FROM audit_logs "
    "  WHERE agent_id = $1 AND created_at = g.last_at LIMIT 1) latest ON true "
    "ORDER BY g.count DESC, g.last_at DESC"};

}  // namespace

Task<Result<db::Rows>> list_replay_groups(db::Transaction& tx, AgentId agent, Time from, Time to) {
  auto params = db::Params::of(agent, from, to, kMostReplayRecords, kMostReplayGroups);
  auto rows = co_await tx.query(kListGroups, std::move(params), kDeadline);
  co_return rows;
}

std::vector<std::int64_t> parse_times(std::string_view array) {
  std::vector<std::int64_t> times;
  const char* at = array.data();
  const char* const end = at + array.size();
  while (at != end) {
    std::int64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error == std::errc()) times.push_back(value);
    at = next == at ? at + 1 : next;
  }
  return times;
}

}  // namespace deployclaw::store
