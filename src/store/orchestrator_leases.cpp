#include "store/orchestrator_leases.hpp"

namespace deployclaw::store {

constexpr db::Statement kTake{
    "orchestrator_take_lease",
    "INSERT INTO leases (name, owner, expires_at) "
    "VALUES ($1, $2, now() + $4::bigint * interval '1 millisecond') "
    "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at "
    "WHERE leases.owner = $2 OR leases.owner = $3 OR leases.expires_at < now()"};

Task<Result<bool>> inherit_lease(db::Database& db, std::string name, std::string owner,
                                 std::string dead, std::chrono::milliseconds lease) {
  auto params = db::Params::of(name, owner, dead, lease.count());
  const auto rows = co_await db.query(kTake, std::move(params));
  if (!rows) co_return context("take lease", rows.error());
  co_return rows->affected() == 1;
}

Task<Result<bool>> take_lease(db::Database& db, std::string name, std::string owner,
                              std::chrono::milliseconds lease) {
  return inherit_lease(db, std::move(name), owner, owner, lease);
}

constexpr db::Statement kRelease{"orchestrator_release_lease",
                                 "DELETE FROM leases WHERE name = $1 AND owner = $2"};

Task<Status> release_lease(db::Database& db, std::string name, std::string owner) {
  auto params = db::Params::of(name, owner);
  const auto rows = co_await db.query(kRelease, std::move(params));
  if (!rows) co_return context("release lease", rows.error());
  co_return Status{};
}

constexpr db::Statement kOwner{"orchestrator_lease_owner",
                               "SELECT owner FROM leases WHERE name = $1"};

Task<Result<std::optional<std::string>>> lease_owner(db::Database& db, std::string name) {
  auto params = db::Params::of(name);
  const auto rows = co_await db.query(kOwner, std::move(params));
  if (!rows) co_return context("read lease", rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return rows->front().string(0);
}

}  // namespace deployclaw::store
