#include "api/key_guarded_vault.hpp"

#include "store/vault_keys.hpp"
#include "vault/key_check.hpp"

namespace deployclaw::api {
namespace json = boost::json;

namespace {
constexpr std::chrono::seconds kCheckLasts{10};
}

Task<Status> check_vault_keys(db::Database& db, VaultStatus vault_status) {
  if (!vault_status) co_return Status{};
  const auto status = co_await vault_status();
  if (!status) co_return fail(status.error());
  const auto held = vault::key_versions_of(*status);
  if (!held) co_return fail(held.error());
  const auto rows = co_await store::list_key_versions(db);
  if (!rows) co_return fail(rows.error());
  std::vector<vault::KnownKey> known;
  for (const auto& [version, fingerprint] : *rows) {
    known.push_back({static_cast<std::uint32_t>(version), fingerprint});
  }
  auto checked = vault::check_key_versions(known, *held);
  if (!checked) {
    checked.error().public_detail =
        "The vault does not hold the master keys in use; the operator must restore them.";
  }
  co_return checked;
}

Task<Status> KeyGuardedVault::check() {
  const auto now = std::chrono::steady_clock::now();
  if (checked_at_ && now - *checked_at_ < kCheckLasts) co_return Status{};
  auto status = vault_status_;
  auto checked = co_await check_vault_keys(db_, std::move(status));
  if (checked) {
    checked_at_ = now;
  } else {
    checked_at_.reset();
  }
  co_return checked;
}

Task<Result<json::object>> KeyGuardedVault::seal(vault::SealContext context, Secret value) {
  const auto checked = co_await check();
  if (!checked) co_return fail(checked.error());
  auto sealed = co_await inner_.seal(std::move(context), std::move(value));
  co_return sealed;
}

Task<Result<Secret>> KeyGuardedVault::open(vault::SealContext context, json::object sealed) {
  auto opened = co_await inner_.open(std::move(context), std::move(sealed));
  co_return opened;
}

Task<Result<json::object>> KeyGuardedVault::reseal(vault::SealContext context,
                                                   json::object sealed) {
  const auto checked = co_await check();
  if (!checked) co_return fail(checked.error());
  auto resealed = co_await inner_.reseal(std::move(context), std::move(sealed));
  co_return resealed;
}

Task<Result<vault::DerivedToken>> KeyGuardedVault::derive_token(vault::TokenContext context) {
  auto token = co_await inner_.derive_token(std::move(context));
  co_return token;
}

Task<Result<vault::SealedAuthority>> KeyGuardedVault::create_authority(vault::SealContext context) {
  const auto checked = co_await check();
  if (!checked) co_return fail(checked.error());
  auto created = co_await inner_.create_authority(std::move(context));
  co_return created;
}

}  // namespace deployclaw::api
