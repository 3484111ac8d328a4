#include "store/attempts.hpp"

namespace deployclaw::store {

constexpr db::Statement kTakeAttempt{
    "take_attempt",
    "SELECT attempt_id, retry_after_seconds "
    "FROM auth.take_attempt($1, $2, $3, make_interval(mins => $4))"};

Task<Result<std::int64_t>> take_attempt(db::Database& db, std::string kind, std::string key,
                                        int most, std::chrono::minutes span) {
  auto params = db::Params::of(kind, key, most, span.count());
  const auto rows = co_await db.query(kTakeAttempt, std::move(params));
  if (!rows) co_return context("count attempt", rows.error());
  if (rows->empty()) co_return fail(Code::kInternal, "count attempt: no answer");
  const auto row = rows->front();
  if (const auto id = row.maybe_int64(0)) co_return *id;
  Error error{.code = Code::kRateLimited, .message = "too many attempts: " + kind};
  error.reason = "too_many_attempts";
  error.public_detail = "Too many attempts. Wait, then try again.";
  error.retry_after_seconds = row.maybe_int64(1).value_or(60);
  co_return fail(std::move(error));
}

constexpr db::Statement kRefundAttempt{"refund_attempt", "SELECT auth.refund_attempt($1)"};

Task<Status> refund_attempt(db::Database& db, std::int64_t attempt) {
  auto params = db::Params::of(attempt);
  const auto rows = co_await db.query(kRefundAttempt, std::move(params));
  if (!rows) co_return context("refund attempt", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store
