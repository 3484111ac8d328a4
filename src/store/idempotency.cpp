#include "store/idempotency.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace deployclaw::store {
namespace json = boost::json;

constexpr db::Statement kDropOldKeys{
    "drop_old_idempotency_keys",
    "DELETE FROM idempotency_keys WHERE user_id = $1 AND (created_at < now() - interval '24 hours' "
    "OR (key = $2 AND status IS NULL AND created_at < now() - interval '2 minutes'))"};
// clock_timestamp() tells one claim of a key from the next.
constexpr db::Statement kClaimKey{
    "claim_idempotency_key",
    "INSERT INTO idempotency_keys (client_id, user_id, key, request_hash, created_at) "
    "VALUES ($1, $2, $3, $4, clock_timestamp()) ON CONFLICT (user_id, key) DO NOTHING "
    "RETURNING created_at"};
constexpr db::Statement kReadKey{"read_idempotency_key",
                                 "SELECT request_hash, status, headers, body FROM idempotency_keys "
                                 "WHERE user_id = $1 AND key = $2"};

Task<Result<IdempotencyClaim>> claim_idempotency_key(db::Database& db, ClientId client, UserId user,
                                                     std::string key, crypto::Sha256Digest hash) {
  using Kind = IdempotencyClaim::Kind;
  auto old = db::Params::of(user, key);
  const auto dropped = co_await db.query(client, kDropOldKeys, std::move(old));
  if (!dropped) co_return context("drop old idempotency keys", dropped.error());

  auto params = db::Params::of(client, user, key, std::span<const unsigned char>(hash));
  const auto claimed = co_await db.query(client, kClaimKey, std::move(params));
  if (!claimed) co_return context("claim idempotency key", claimed.error());
  if (!claimed->empty()) {
    co_return IdempotencyClaim{.kind = Kind::kClaimed, .claim = claimed->front().string(0)};
  }

  auto whose = db::Params::of(user, key);
  const auto rows = co_await db.query(client, kReadKey, std::move(whose));
  if (!rows) co_return context("read idempotency key", rows.error());
  // Released between the two statements: the caller's retry will claim it.
  if (rows->empty()) co_return IdempotencyClaim{.kind = Kind::kRunning};
  const auto row = rows->front();
  if (!std::ranges::equal(row.bytes(0), hash)) co_return IdempotencyClaim{.kind = Kind::kOther};
  if (row.is_null(1)) co_return IdempotencyClaim{.kind = Kind::kRunning};
  IdempotencyClaim stored{.kind = Kind::kStored};
  stored.status = static_cast<int>(row.int64(1));
  if (auto headers = row.maybe_json(2); headers && headers->is_object()) {
    stored.headers = std::move(headers->get_object());
  }
  stored.body = row.maybe_string(3).value_or("");
  co_return stored;
}

constexpr db::Statement kStoreAnswer{
    "store_idempotent_answer",
    "UPDATE idempotency_keys SET status = $4, headers = $5, body = $6 "
    "WHERE user_id = $1 AND key = $2 AND created_at = $3 AND status IS NULL RETURNING key"};

namespace {

db::Params answer_params(StoredAnswer& answer) {
  return db::Params::of(answer.user, answer.key, answer.claim, answer.status,
                        json::value(std::move(answer.headers)), answer.body);
}

}  // namespace

Task<Result<bool>> store_answer(db::Database& db, ClientId client, StoredAnswer answer) {
  auto params = answer_params(answer);
  const auto rows = co_await db.query(client, kStoreAnswer, std::move(params));
  if (!rows) co_return context("store answer", rows.error());
  co_return !rows->empty();
}

Task<Result<bool>> store_answer(db::Transaction& tx, StoredAnswer answer) {
  auto params = answer_params(answer);
  const auto rows = co_await tx.query(kStoreAnswer, std::move(params));
  if (!rows) co_return context("store answer", rows.error());
  co_return !rows->empty();
}

constexpr db::Statement kReleaseKey{
    "release_idempotency_key",
    "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND created_at = $3 "
    "AND status IS NULL"};

Task<Status> release_idempotency_key(db::Database& db, ClientId client, UserId user,
                                     std::string key, std::string claim) {
  auto params = db::Params::of(user, key, claim);
  const auto rows = co_await db.query(client, kReleaseKey, std::move(params));
  if (!rows) co_return context("release idempotency key", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store
