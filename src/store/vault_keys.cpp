#include "store/vault_keys.hpp"

namespace deployclaw::store {

constexpr db::Statement kRecordKeyVersion{
    "record_vault_key_version",
    "WITH added AS (INSERT INTO vault_key_versions (version, fingerprint) VALUES ($1, $2) "
    "ON CONFLICT (version) DO NOTHING) "
    "SELECT fingerprint FROM vault_key_versions WHERE version = $1"};

Task<Status> record_key_version(db::Database& db, std::int64_t version, std::string fingerprint) {
  auto params = db::Params::of(version, fingerprint);
  const auto rows = co_await db.query(kRecordKeyVersion, std::move(params));
  if (!rows) co_return context("record vault key version", rows.error());
  // Empty at the first sight: the SELECT does not see what the same statement inserts.
  if (!rows->empty() && rows->front().text(0) != fingerprint) {
    co_return fail(Code::kCorrupt, "vault key version " + std::to_string(version) +
                                       " has another fingerprint than when it was first seen");
  }
  co_return Status{};
}

}  // namespace deployclaw::store
