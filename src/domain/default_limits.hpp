#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/permissions.hpp"
#include "domain/sliding_window.hpp"
#include "domain/spend_book.hpp"

namespace deployclaw::domain {

// What holds for an agent: no scope is ever without a limit, and there is always a cap.
struct AgentLimits {
  std::array<WindowLimits, kScopes.size()> windows;  // by the scope's place in kScopes
  MicroDollars daily_spend = 0;
  bool operator==(const AgentLimits&) const = default;
};

// No window holds more admissions.
inline constexpr std::int64_t kMostPerWindow = 1'000'000;

// The place of a scope in kScopes; nullopt for what is none ("model", "").
std::optional<std::uint8_t> scope_index(std::string_view scope);

// For a scope of which the customer said nothing.
WindowLimits default_limits(std::string_view scope);

// The customer's limits, and the defaults where there are none. An hour's limit alone allows 24 of
// them a day; a day's limit alone may be used up in an hour. `plan` names the plan whose daily
// spend holds when the permissions name none.
AgentLimits limits_of(const Permissions& permissions, std::string_view plan);

}  // namespace deployclaw::domain
