#pragma once

#include <cstdint>
#include <string_view>

namespace deployclaw::domain {

// What a client's plan allows at once.
struct PlanLimits {
  std::int64_t agents = 0;
  double default_daily_token_spend = 0;  // US dollars, for an agent that names none
};

// The limits of a plan, as catalog/plans.toml offers it; an unknown name gets the smallest plan's.
PlanLimits plan_limits(std::string_view plan);

}  // namespace deployclaw::domain
