#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::domain {

// A service whose secret an agent can use. The placeholder that the agent sees has the secret's
// shape, so that client libraries which check it accept it.
struct CredentialKind {
  std::string_view name;
  std::vector<std::string_view> hosts;  // where the secret may be sent; empty: the customer says
  // The placeholder's shape: literal text with "{<alphabet><count>}" for random characters. The
  // alphabets are d (digits), x (lower-case hex), a (letters and digits), u (capitals and digits)
  // and w (a plus '_' and '-').
  std::string_view placeholder;
};

// The kinds that are known, "generic" last.
std::span<const CredentialKind> credential_kinds();
// nullptr when unknown.
const CredentialKind* find_credential_kind(std::string_view name);

// A fresh placeholder of `kind`: at least 128 bits of randomness, never in the shape of OpenClaw's
// own sentinels ("oc-sent-…", "__OPENCLAW_…"), which it refuses.
// `random_below(n)` answers a uniform number in [0, n), n ≤ 256.
std::string make_placeholder(const CredentialKind& kind,
                             const std::function<unsigned(unsigned)>& random_below);

// Reads the customer's `hosts` for a credential of `kind`: generic needs 1 to 20 of them (no public
// suffix, no IP address: names.hpp); other kinds fix them, and hosts may only choose among those.
// nullptr means the field was absent. Broken rules are appended to `errors` below `pointer`.
std::vector<std::string> read_credential_hosts(const CredentialKind& kind,
                                               const boost::json::value* value,
                                               const std::string& pointer,
                                               std::vector<FieldError>& errors);

}  // namespace deployclaw::domain
