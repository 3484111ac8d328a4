#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "vault/vault.hpp"

namespace deployclaw::vault {

// The vault process, over its unix socket. Connects on first use and again after a failure; calls
// may overlap. Every call ends within `deadline` (kTimeout is reported as kUnavailable). Use it
// from its executor's thread; it must outlive its calls.
class VaultClient final : public Vault {
 public:
  VaultClient(boost::asio::any_io_executor executor, std::string socket_path,
              std::chrono::milliseconds deadline = std::chrono::seconds(5));
  ~VaultClient() override;
  VaultClient(const VaultClient&) = delete;
  VaultClient& operator=(const VaultClient&) = delete;

  Task<Result<boost::json::object>> seal(SealContext context, Secret value) override;
  Task<Result<Secret>> open(SealContext context, boost::json::object sealed) override;
  Task<Result<boost::json::object>> reseal(SealContext context,
                                           boost::json::object sealed) override;
  Task<Result<DerivedToken>> derive_token(TokenContext context) override;
  Task<Result<SealedAuthority>> create_authority(SealContext context) override;

  // {newest, versions: [{version, createdAt, check}], startedAt, counters: {…}}; never a key. Any
  // caller in the policy may ask (it is the readiness check).
  Task<Result<boost::json::object>> status();
  // Adds a key version; answers {newest}. Root alone.
  Task<Result<boost::json::object>> rotate();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::vault
