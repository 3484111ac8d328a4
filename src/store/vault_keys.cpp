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

constexpr db::Statement kListKeyVersions{
    "list_vault_key_versions",
    "SELECT version, fingerprint FROM vault_key_versions ORDER BY version"};

Task<Result<std::vector<KeyVersionRow>>> list_key_versions(db::Database& db) {
  const auto rows = co_await db.query(kListKeyVersions);
  if (!rows) co_return context("list vault key versions", rows.error());
  std::vector<KeyVersionRow> versions;
  for (const auto& row : *rows) {
    versions.push_back({.version = row.int64(0), .fingerprint = std::string(row.text(1))});
  }
  co_return versions;
}

}  // namespace deployclaw::store
