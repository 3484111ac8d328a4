#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.hpp"

// A test call of a credential: what became of it, as egress finds out and people are told.
namespace deployclaw {

struct CredentialTestTag;
using CredentialTestId = Id<CredentialTestTag>;

namespace domain {

enum class TestVerdict : std::uint8_t {
  kAccepted,     // the service takes the credential
  kRefused,      // it does not
  kUnreachable,  // nobody could be asked
  kUnclear,      // somebody answered, and it says neither
};
std::string_view to_string(TestVerdict verdict);

// Why the verdict is what it is. It crosses processes and is stored by name, so that nothing that a
// service says ever does.
enum class TestReason : std::uint8_t {
  kAccepted,
  kRejected,        // by status or by what the answer says
  kRenewalRefused,  // the access token has ended, and the service gives no other
  kUpstreamUnreachable,
  kUpstreamTimeout,
  kUpstreamAddress,      // resolves to an address that is not of the public internet
  kUpstreamCertificate,  // does not verify
  kUpstreamFailed,       // broke off
  kRenewalFailed,        // the access token has ended, and cannot be renewed now
  kEgressSilent,         // egress did not answer
  kNotAllowed,           // 403: known, and may not do this
  kRateLimited,          // 429
  kServiceTrouble,       // 5xx
  kUnexpectedAnswer,
  kNoPolicy,          // egress has no valid policy for the agent
  kCredentialGone,    // or is of another kind or for other hosts by now
  kCredentialUnfit,   // has characters that its place cannot hold
  kAuditUnavailable,  // what cannot be recorded is not done
  kBusy,              // too many tests of this client at once, or its worker is about to end
};
inline constexpr int kTestReasons = static_cast<int>(TestReason::kBusy) + 1;
std::string_view to_string(TestReason reason);  // "rate_limited"
std::optional<TestReason> parse_test_reason(std::string_view text);
TestVerdict verdict_of(TestReason reason);

}  // namespace domain
}  // namespace deployclaw
