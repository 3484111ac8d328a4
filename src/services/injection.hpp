#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/canonical_target.hpp"
#include "http/wire.hpp"
#include "services/policy.hpp"

// Placeholders become secrets here: at the places that a decision names, and nowhere else. Pure.
namespace deployclaw::services {

// The value of the credential of that name; nullptr when there is none to send now (an OAuth token
// that has ended): the request is refused then, not sent with the placeholder.
using SecretSource = std::function<const Secret*(std::string_view name)>;

// Names of the credentials that were used, each once; views into the policy.
using Injected = std::vector<std::string_view>;

// Replaces the placeholders of `injections` in the head and target of one request. `all` are the
// agent's credentials: a placeholder of any of them in another place, or one that `injections` do
// not name, refuses the request:
//   kForbidden  "placeholder_misplaced": public detail names credential and place, no value
//   kForbidden  "method_override": a field asks the server to take another method or path than the
//               one decided upon (X-HTTP-Method-Override, X-Original-URL, …)
//   kUnavailable "credential_unavailable": the source has no value
//   kInvalid    "credential_unfit": the value has bytes that the place cannot hold
// On an error nothing was changed. On success `head` and `target` may hold secrets: write them out,
// then call wipe_injected(). Without injections it only checks.
Result<Injected> inject_head(http::RequestHead& head, http::CanonicalTarget& target,
                             std::span<const Injection> injections,
                             std::span<const AgentCredential> all, const SecretSource& secrets);

// Overwrites every header value and the target.
void wipe_injected(http::RequestHead& head, http::CanonicalTarget& target);

// True when a body of this request must be read whole: one of `injections` has a place in it.
bool injects_body(std::span<const Injection> injections);
bool injects_messages(std::span<const Injection> injections);

// The same for a whole JSON body (kBody places). Everything but the replaced strings stays byte for
// byte. Refused besides the above: kTooLarge over 1 MiB, kMalformed or kInvalid for bad JSON
// (http::parse_json) when there is a place in it. Wipe `body` after use (wipe_string).
Result<Injected> inject_body(std::string& body, std::span<const Injection> injections,
                             std::span<const AgentCredential> all, const SecretSource& secrets);

// The same for one whole text message from the agent (kWebSocket places).
Result<Injected> inject_message(std::string& message, std::span<const Injection> injections,
                                std::span<const AgentCredential> all, const SecretSource& secrets);

}  // namespace deployclaw::services
