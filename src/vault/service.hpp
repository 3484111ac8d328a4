#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "vault/keyring.hpp"
#include "vault/policy.hpp"
#include "vault/protocol.hpp"

namespace deployclaw::vault {

// What the vault does with a frame, whatever carries it: parse, ask the policy, act, count, answer.
// Single-threaded; rotation's disk work runs on `pool` and may overlap other calls.
class Service {
 public:
  // `key_file` is where rotation writes; empty when the keys come from the environment.
  Service(Keyring keyring, CallerPolicy policy, std::string key_file, const Clock& clock,
          BlockingPool& pool);

  // The answer for the caller whose uid the kernel vouches for. Never throws a refusal away: each
  // is logged (uid, operation, purpose; no value) and counted. The caller of handle() wipes the
  // answer.
  Task<std::string> handle(uid_t uid, std::string frame);

 private:
  struct Count {
    std::uint64_t ok = 0;
    std::uint64_t refused = 0;
    std::uint64_t failed = 0;
  };

  Task<Result<Answer>> act(const Call& call);
  Task<Result<Answer>> rotate();
  [[nodiscard]] Answer status() const;

  Keyring keyring_;
  CallerPolicy policy_;
  std::string key_file_;
  const Clock& clock_;
  BlockingPool& pool_;
  Time started_;
  bool rotating_ = false;
  std::map<Operation, Count> counts_;
  std::uint64_t malformed_ = 0;
};

}  // namespace deployclaw::vault
