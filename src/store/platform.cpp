#include "store/platform.hpp"

#include <charconv>

#include "db/migrate.hpp"

namespace deployclaw::store {
namespace {

constexpr std::chrono::milliseconds kDeadline{2'000};

int newest_known() {
  static const int newest = [] {
    int version = 0;
    const auto migrations = db::embedded_migrations();
    if (!migrations.empty()) {
      const auto& name = migrations.back().name;
      std::from_chars(name.data(), name.data() + name.size(), version);
    }
    return version;
  }();
  return newest;
}

}  // namespace

constexpr db::Statement kPing{"ping", "SELECT 1"};

Task<Status> ping(db::Database& db) {
  db::Params none;
  const auto rows = co_await db.query(kPing, std::move(none), kDeadline);
  if (!rows) co_return context("ping", rows.error());
  co_return Status{};
}

constexpr db::Statement kSchemaVersion{
    "schema_version", "SELECT coalesce(max(version), 0) FROM deployclaw_migrations"};

Task<Result<bool>> schema_is_current(db::Database& db) {
  db::Params none;
  const auto rows = co_await db.query(kSchemaVersion, std::move(none), kDeadline);
  if (!rows) co_return context("schema version", rows.error());
  co_return rows->front().int64(0) >= newest_known();
}

}  // namespace deployclaw::store
