#include "domain/default_limits.hpp"

#include <algorithm>
#include <cmath>

#include "domain/plan_limits.hpp"

namespace deployclaw::domain {

namespace {

constexpr double kMicro = 1e6;

// In the order of kScopes.
constexpr std::array<WindowLimits, kScopes.size()> kDefaults = {{
    {.per_hour = 1'000, .per_day = 10'000},    // email:read
    {.per_hour = 50, .per_day = 200},          // email:send
    {.per_hour = 1'000, .per_day = 10'000},    // calendar:read
    {.per_hour = 100, .per_day = 500},         // calendar:write
    {.per_hour = 2'000, .per_day = 20'000},    // files:read
    {.per_hour = 500, .per_day = 5'000},       // files:write
    {.per_hour = 10'000, .per_day = 100'000},  // api:outbound
    {.per_hour = 300, .per_day = 2'000},       // messaging:send
}};

std::uint32_t bounded(std::int64_t limit) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(limit, 0, kMostPerWindow));
}

}  // namespace

std::optional<std::uint8_t> scope_index(std::string_view scope) {
  const auto* const found = std::ranges::find(kScopes, scope);
  if (found == kScopes.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - kScopes.begin());
}

WindowLimits default_limits(std::string_view scope) {
  const auto index = scope_index(scope);
  return index ? kDefaults[*index] : WindowLimits{};
}

AgentLimits limits_of(const Permissions& permissions, std::string_view plan) {
  AgentLimits limits{.windows = kDefaults};
  for (const auto& [scope, limit] : permissions.rate_limits) {
    const auto index = scope_index(scope);
    if (!index || (!limit.max_per_hour && !limit.max_per_day)) continue;
    const auto hour = limit.max_per_hour ? *limit.max_per_hour : *limit.max_per_day;
    const auto day = limit.max_per_day ? *limit.max_per_day : 24 * std::min(hour, kMostPerWindow);
    limits.windows[*index] = {.per_hour = bounded(hour), .per_day = bounded(day)};
  }
  const double dollars =
      permissions.max_daily_token_spend.value_or(plan_limits(plan).default_daily_token_spend);
  limits.daily_spend = static_cast<MicroDollars>(std::floor(dollars * kMicro + 0.5));
  return limits;
}

}  // namespace deployclaw::domain
