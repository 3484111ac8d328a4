#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "services/service.hpp"

namespace deployclaw::services {

// A fresh placeholder of `kind`: at least 128 bits of randomness, never in the shape of OpenClaw's
// own sentinels ("oc-sent-…", "__OPENCLAW_…"), which it refuses.
// `random_below(n)` answers a uniform number in [0, n), n ≤ 256.
std::string make_placeholder(const CredentialKind& kind,
                             const std::function<unsigned(unsigned)>& random_below);

// What is wrong with a placeholder's shape (CredentialKind::placeholder), "" when nothing is.
std::string check_placeholder_shape(std::string_view shape);

// Reads the customer's `hosts` for a credential of `kind`: a kind without hosts of its own needs 1
// to 20 of them (no public suffix, no IP address: domain/names.hpp); other kinds fix them, and
// hosts may only choose among those. nullptr means the field was absent. Broken rules are appended
// to `errors` below `pointer`.
std::vector<std::string> read_credential_hosts(const CredentialKind& kind,
                                               const boost::json::value* value,
                                               const std::string& pointer,
                                               std::vector<FieldError>& errors);

}  // namespace deployclaw::services
