#include "store/recovery_codes.hpp"

#include "base/encoding.hpp"

namespace deployclaw::store {

constexpr db::Statement kDropRecoveryCodes{"drop_recovery_codes",
                                           "DELETE FROM recovery_codes WHERE user_id = $1"};
constexpr db::Statement kInsertRecoveryCodes{
    "insert_recovery_codes",
    "INSERT INTO recovery_codes (client_id, user_id, code_hash) "
    "SELECT $1::uuid, $2::uuid, decode(hash, 'hex') FROM unnest($3::text[]) AS hash"};

Task<Status> replace_recovery_codes(db::Transaction& tx, ClientId client, UserId user,
                                    std::vector<crypto::Sha256Digest> hashes) {
  auto whose = db::Params::of(user);
  const auto dropped = co_await tx.query(kDropRecoveryCodes, std::move(whose));
  if (!dropped) co_return context("drop recovery codes", dropped.error());
  std::vector<std::string> texts;
  for (const auto& hash : hashes) texts.push_back(hex_encode(hash));
  auto params = db::Params::of(client, user, texts);
  const auto inserted = co_await tx.query(kInsertRecoveryCodes, std::move(params));
  if (!inserted) co_return context("insert recovery codes", inserted.error());
  co_return Status{};
}

constexpr db::Statement kUseRecoveryCode{
    "use_recovery_code",
    "UPDATE recovery_codes SET used_at = $3 "
    "WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING id"};
constexpr db::Statement kCountRecoveryCodes{
    "count_recovery_codes",
    "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL"};

Task<Result<std::optional<std::int64_t>>> use_recovery_code(db::Transaction& tx, UserId user,
                                                            crypto::Sha256Digest hash, Time now) {
  auto params = db::Params::of(user, std::span<const unsigned char>(hash), now);
  const auto used = co_await tx.query(kUseRecoveryCode, std::move(params));
  if (!used) co_return context("use recovery code", used.error());
  if (used->empty()) co_return std::nullopt;
  auto whose = db::Params::of(user);
  const auto left = co_await tx.query(kCountRecoveryCodes, std::move(whose));
  if (!left) co_return context("count recovery codes", left.error());
  co_return left->front().int64(0);
}

}  // namespace deployclaw::store
