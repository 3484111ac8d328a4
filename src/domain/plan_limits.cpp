#include "domain/plan_limits.hpp"

namespace deployclaw::domain {

PlanLimits plan_limits(std::string_view plan) {
  constexpr PlanLimits kStarter{.agents = 3, .default_daily_token_spend = 5};
  constexpr PlanLimits kTeam{.agents = 20, .default_daily_token_spend = 25};
  constexpr PlanLimits kScale{.agents = 200, .default_daily_token_spend = 100};
  if (plan == "team") return kTeam;
  if (plan == "scale") return kScale;
  return kStarter;
}

}  // namespace deployclaw::domain
