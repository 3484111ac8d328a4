#include "store/approval_asking.hpp"

#include <span>

namespace deployclaw::store {

constexpr db::Statement kAsk{
    "approval_ask",
    "SELECT verdict, approval_id, until FROM approval.ask($1, $2, $3, $4, $5, $6, "
    "make_interval(secs => $7), $8)"};

Task<Result<ApprovalReply>> ask_approval(db::Database& db, ApprovalQuestion question) {
  const std::span<const unsigned char> digest(question.digest);
  auto params =
      db::Params::of(question.client, question.agent, digest, question.scope, question.target,
                     bytes_of(question.rendered), question.lifetime.count(), kMostPendingApprovals);
  const auto rows = co_await db.query(kAsk, std::move(params));
  if (!rows) co_return context("ask for an approval", rows.error());
  const auto row = rows->front();
  co_return ApprovalReply{.verdict = row.string(0),
                          .id = row.maybe_id<ApprovalTag>(1),
                          .expires_at = row.maybe_time(2)};
}

constexpr db::Statement kTake{"approval_take", "SELECT approval.take($1, $2, $3)"};

Task<Result<std::string>> take_approval(db::Database& db, ClientId client, AgentId agent,
                                        ApprovalId id) {
  auto params = db::Params::of(client, agent, id);
  const auto rows = co_await db.query(kTake, std::move(params));
  if (!rows) co_return context("use an approval", rows.error());
  co_return rows->front().string(0);
}

constexpr db::Statement kTidy{"approval_tidy", "SELECT approval.tidy()"};

Task<Result<std::int64_t>> tidy_approvals(db::Database& db) {
  const auto rows = co_await db.query(kTidy);
  if (!rows) co_return context("tidy approvals", rows.error());
  co_return rows->front().int64(0);
}

}  // namespace deployclaw::store
