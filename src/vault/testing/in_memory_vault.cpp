#include "vault/testing/in_memory_vault.hpp"

#include <cstdlib>
#include <utility>

namespace deployclaw::vault {
namespace {

std::unexpected<Error> down() { return fail(Code::kUnavailable, "vault is down"); }

}  // namespace

InMemoryVault::InMemoryVault() { rotate(); }

Task<Result<boost::json::object>> InMemoryVault::seal(SealContext context, Secret value) {
  if (down_) co_return down();
  co_return vault::seal(keyring_, context, value);
}

Task<Result<Secret>> InMemoryVault::open(SealContext context, boost::json::object sealed) {
  if (down_) co_return down();
  co_return vault::open(keyring_, context, sealed);
}

Task<Result<boost::json::object>> InMemoryVault::reseal(SealContext context,
                                                        boost::json::object sealed) {
  if (down_) co_return down();
  co_return vault::reseal(keyring_, context, sealed);
}

Task<Result<DerivedToken>> InMemoryVault::derive_token(TokenContext context) {
  if (down_) co_return down();
  co_return vault::derive_token(keyring_, context);
}

Task<Result<SealedAuthority>> InMemoryVault::create_authority(SealContext context) {
  if (down_) co_return down();
  co_return vault::create_authority(keyring_, context, SystemClock{}.now());
}

void InMemoryVault::rotate() {
  const auto added = keyring_.add(SystemClock{}.now());
  if (!added) std::abort();
}

}  // namespace deployclaw::vault
