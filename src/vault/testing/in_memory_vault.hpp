#pragma once

#include "vault/keyring.hpp"
#include "vault/sealing.hpp"
#include "vault/vault.hpp"

namespace deployclaw::vault {

// A Vault in this process with keys of its own, for tests of its callers. Real cryptography (so a
// swapped row fails as it would), no caller policy. Passes the same contract test as VaultClient.
class InMemoryVault final : public Vault {
 public:
  InMemoryVault();

  Task<Result<boost::json::object>> seal(SealContext context, Secret value) override;
  Task<Result<Secret>> open(SealContext context, boost::json::object sealed) override;
  Task<Result<boost::json::object>> reseal(SealContext context,
                                           boost::json::object sealed) override;
  Task<Result<DerivedToken>> derive_token(TokenContext context) override;
  Task<Result<SealedAuthority>> create_authority(SealContext context) override;

  void rotate();
  // While set, every call answers kUnavailable.
  void set_down(bool down) { down_ = down; }

 private:
  Keyring keyring_;
  bool down_ = false;
};

}  // namespace deployclaw::vault
