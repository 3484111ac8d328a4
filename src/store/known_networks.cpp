#include "store/known_networks.hpp"

namespace deployclaw::store {

constexpr db::Statement kIsKnownNetwork{
    "is_known_network",
    "SELECT EXISTS (SELECT FROM known_networks WHERE user_id = $1 AND network = $2 "
    "AND last_seen_at > $3::timestamptz - interval '90 days')"};

Task<Result<bool>> is_known_network(db::Database& db, ClientId client, UserId user,
                                    std::string network, Time now) {
  auto params = db::Params::of(user, network, now);
  const auto rows = co_await db.query(client, kIsKnownNetwork, std::move(params));
  if (!rows) co_return context("look for known network", rows.error());
  co_return rows->front().boolean(0);
}

constexpr db::Statement kRememberNetwork{
    "remember_network",
    "INSERT INTO known_networks (client_id, user_id, network, last_seen_at) "
    "VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, network) "
    "DO UPDATE SET last_seen_at = excluded.last_seen_at"};
constexpr db::Statement kForgetOldNetworks{
    "forget_old_networks",
    "DELETE FROM known_networks WHERE user_id = $1 "
    "AND last_seen_at <= $2::timestamptz - interval '90 days'"};

Task<Status> remember_network(db::Transaction& tx, ClientId client, UserId user,
                              std::string network, Time now) {
  auto params = db::Params::of(client, user, network, now);
  const auto noted = co_await tx.query(kRememberNetwork, std::move(params));
  if (!noted) co_return context("remember network", noted.error());
  auto whose = db::Params::of(user, now);
  const auto forgotten = co_await tx.query(kForgetOldNetworks, std::move(whose));
  if (!forgotten) co_return context("forget old networks", forgotten.error());
  co_return Status{};
}

constexpr db::Statement kForgetNetworks{"forget_networks",
                                        "DELETE FROM known_networks WHERE user_id = $1"};

Task<Status> forget_networks(db::Transaction& tx, UserId user) {
  auto params = db::Params::of(user);
  const auto rows = co_await tx.query(kForgetNetworks, std::move(params));
  if (!rows) co_return context("forget networks", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store
