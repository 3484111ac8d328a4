#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::domain {

// Everything an agent can be allowed. A scope that is not here does not exist.
inline constexpr std::array<std::string_view, 8> kScopes = {
    "email:read", "email:send",  "calendar:read", "calendar:write",
    "files:read", "files:write", "api:outbound",  "messaging:send"};

bool is_scope(std::string_view text);

// At least one of the two is set.
struct RateLimit {
  std::optional<std::int64_t> max_per_hour;
  std::optional<std::int64_t> max_per_day;
};

// What an agent may do. Domains are canonical: AllowedDomain::to_string() (names.hpp).
struct Permissions {
  std::vector<std::string> scopes;
  std::map<std::string, RateLimit> rate_limits;  // by scope
  std::vector<std::string> allowed_domains;
  // US dollars per UTC day over all models; 0 forbids model calls; nullopt means the plan's
  // default.
  std::optional<double> max_daily_token_spend;
  std::vector<std::string> approval;  // scopes whose every request waits for a person
};

// Reads the customer's `permissions`. Every broken rule is appended to `errors` with its pointer
// below `base`; the result is meaningful only when none was added. `scopes` is required, everything
// else optional; unknown fields are errors.
Permissions read_permissions(const boost::json::value& value, std::string_view base,
                             std::vector<FieldError>& errors);

// The form that is stored and answered; read_permissions accepts it unchanged.
boost::json::object to_json(const Permissions& permissions);

}  // namespace deployclaw::domain
