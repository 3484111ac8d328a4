#pragma once

#include <chrono>
#include <optional>

#include "api/health.hpp"
#include "db/database.hpp"
#include "vault/vault.hpp"

namespace deployclaw::api {

// Whether the vault holds every master key version that the database has seen, with the same key.
// kUnavailable with the version and the way out otherwise; an empty `vault_status` always passes.
Task<Status> check_vault_keys(db::Database& db, VaultStatus vault_status);

// The vault, but nothing new is sealed while it holds other master keys than those in use: a lost
// key file must not silently begin a second history that the restored keys cannot read. The check
// is made before the first seal and again when the last one is older than ten seconds.
class KeyGuardedVault final : public vault::Vault {
 public:
  KeyGuardedVault(vault::Vault& inner, db::Database& db, VaultStatus vault_status)
      : inner_(inner), db_(db), vault_status_(std::move(vault_status)) {}

  Task<Result<boost::json::object>> seal(vault::SealContext context, Secret value) override;
  Task<Result<Secret>> open(vault::SealContext context, boost::json::object sealed) override;
  Task<Result<boost::json::object>> reseal(vault::SealContext context,
                                           boost::json::object sealed) override;
  Task<Result<vault::DerivedToken>> derive_token(vault::TokenContext context) override;
  Task<Result<vault::SealedAuthority>> create_authority(vault::SealContext context) override;

 private:
  Task<Status> check();

  vault::Vault& inner_;
  db::Database& db_;
  VaultStatus vault_status_;
  std::optional<std::chrono::steady_clock::time_point> checked_at_;
};

}  // namespace deployclaw::api
