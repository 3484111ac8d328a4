#include "store/approvals.hpp"

namespace deployclaw::store {
namespace {

#define DEPLOYCLAW_APPROVAL_TIME(column) \
  "to_char(p." column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#define DEPLOYCLAW_APPROVAL_STATE                                                      \
  "CASE WHEN p.state IN ('pending', 'granted') AND p.expires_at <= clock_timestamp() " \
  "THEN 'expired' ELSE p.state END"

// `request` is an expression for what is shown of it.
#define DEPLOYCLAW_APPROVAL_SELECT(request) \
  "SELECT p.id, p.agent_id, a.name, p.scope, p.target, encode(p.digest, " \
  "'hex'), "          \
  DEPLOYCLAW_APPROVAL_STATE ", " DEPLOYCLAW_APPROVAL_TIME("created_at") ", "               \
  DEPLOYCLAW_APPROVAL_TIME("expires_at") ", " DEPLOYCLAW_APPROVAL_TIME("decided_at")       \
  ", p.decided_by, u.email, " DEPLOYCLAW_APPROVAL_TIME("used_at") ", p.request_bytes, "    \
  request ", (extract(epoch FROM p.created_at) * 1000000)::bigint "                        \
  "FROM approvals p JOIN agents a ON a.id = p.agent_id "                                   \
  "LEFT JOIN users u ON u.id = p.decided_by "

}  // namespace

constexpr db::Statement kListApprovals{
    "list_approvals",
    DEPLOYCLAW_APPROVAL_SELECT("CASE WHEN p.request_bytes <= $4 THEN p.request END")
    "WHERE ($2::uuid IS NULL OR p.agent_id = $2) "
    "AND ($3::text IS NULL OR " DEPLOYCLAW_APPROVAL_STATE " = $3) "
    "AND ($5::timestamptz IS NULL OR (p.created_at, p.id) < ($5, $6::uuid)) "
    "ORDER BY p.created_at DESC, p.id DESC LIMIT $1"};

Task<Result<db::Rows>> list_approvals(db::Database& db, ClientId client, ApprovalFilter filter,
                                      std::int64_t limit, std::optional<ApprovalPageStart> after) {
  auto params = db::Params::of(limit, filter.agent, filter.state, kListedRequest);
  if (after) {
    params.add(after->time).add(after->id);
  } else {
    params.add(std::nullopt).add(std::nullopt);
  }
  auto rows = co_await db.query(client, kListApprovals, std::move(params));
  co_return rows;
}

constexpr db::Statement kCountPending{
    "count_pending_approvals",
    "SELECT count(*) FROM approvals WHERE state = 'pending' AND expires_at > clock_timestamp() "
    "AND ($1::uuid IS NULL OR agent_id = $1)"};

Task<Result<std::int64_t>> count_pending_approvals(db::Database& db, ClientId client,
                                                   std::optional<AgentId> agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await db.query(client, kCountPending, std::move(params));
  if (!rows) co_return context("count approvals", rows.error());
  co_return rows->front().int64(0);
}

constexpr db::Statement kFindApproval{
    "find_approval", DEPLOYCLAW_APPROVAL_SELECT("p.request") "WHERE p.agent_id = $1 AND p.id = $2"};

Task<Result<db::Rows>> find_approval(db::Database& db, ClientId client, AgentId agent,
                                     ApprovalId id) {
  auto params = db::Params::of(agent, id);
  auto rows = co_await db.query(client, kFindApproval, std::move(params));
  co_return rows;
}

constexpr db::Statement kReadApproval{
    "read_approval", DEPLOYCLAW_APPROVAL_SELECT("CASE WHEN p.request_bytes <= $3 THEN p.request "
                                                "END") "WHERE p.agent_id = $1 AND p.id = $2"};

Task<Result<db::Rows>> read_approval(db::Transaction& tx, AgentId agent, ApprovalId id) {
  auto params = db::Params::of(agent, id, kListedRequest);
  auto rows = co_await tx.query(kReadApproval, std::move(params));
  co_return rows;
}

constexpr db::Statement kDecideApproval{
    "decide_approval",
    "UPDATE approvals SET state = $3, decided_at = clock_timestamp(), decided_by = $4 "
    "WHERE agent_id = $1 AND id = $2 AND state = 'pending' AND expires_at > clock_timestamp()"};

Task<Result<bool>> decide_approval(db::Transaction& tx, AgentId agent, ApprovalId id,
                                   std::string state, UserId user) {
  auto params = db::Params::of(agent, id, state, user);
  const auto rows = co_await tx.query(kDecideApproval, std::move(params));
  if (!rows) co_return context("decide an approval", rows.error());
  co_return rows->affected() > 0;
}

}  // namespace deployclaw::store
