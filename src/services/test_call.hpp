#pragma once

#include <span>
#include <string>
#include <string_view>

#include "domain/credential_testing.hpp"
#include "http/canonical_target.hpp"
#include "http/wire.hpp"
#include "services/policy.hpp"

// How a credential is tried, and what the answer says. Pure.
namespace deployclaw::services {

// Where the secret stands in TestCall::path.
inline constexpr std::string_view kSecretMark = "{secret}";

// The request with the credential's placeholder in its place, for inject_head(): the only
// injection that goes with it is {&credential, &test_place(kind)}.
struct TestRequest {
  http::RequestHead head;
  http::CanonicalTarget target;
};
// `kind` has a test.
TestRequest test_request(const CredentialKind& kind, const AgentCredential& credential);
const Place& test_place(const CredentialKind& kind);

// The kind's test when a credential that is bound to `hosts` may be sent there; else nullptr.
const TestCall* test_for(const CredentialKind& kind, std::span<const std::string> hosts);

// Whether the body of an answer of that status is needed to judge it.
bool judges_body(const TestCall& call, int status);
// What an answer says of the credential; `body` as judges_body() wants it.
domain::TestReason judge(const TestCall& call, int status, std::string_view body);

}  // namespace deployclaw::services
