#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "vault/policy.hpp"
#include "vault/vault.hpp"

// What the frames between the vault and its callers hold: one JSON object each, described in
// docs/security/vault-format.md §5. Everything that may carry a plaintext is wiped after use.
namespace deployclaw::vault {

// Enough for a value of kMaxValueSize in base64 with its context.
inline constexpr std::size_t kMaxVaultFrame = 256UL * 1024;

// One request as the vault reads it. Which members are set depends on the operation.
struct Call {
  Operation operation = Operation::kStatus;
  SealContext context;            // seal, open, reseal, create_authority; derive without name
  Secret value;                   // seal
  boost::json::object sealed;     // open, reseal
  std::uint32_t key_version = 0;  // derive
};

// Wipes `frame`. kMalformed for anything but exactly one well-formed request.
Result<Call> parse_call(std::string frame);
std::string encode_call(const Call& call);

// An answer: what is not secret in `body`, and `value` (open, derive) apart from it.
struct Answer {
  boost::json::object body;
  std::optional<Secret> value;
};

std::string encode_answer(const Result<Answer>& answer);
// Wipes `frame`. An error answer becomes its Error; anything ill-formed is kUnavailable, since the
// vault did not answer.
Result<Answer> parse_answer(std::string frame);

}  // namespace deployclaw::vault
