#include "domain/plan_limits.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/toml_reader.hpp"

namespace deployclaw::domain {
namespace {

struct OfferedPlan {
  std::string name;
  PlanLimits limits;
};

// catalog/plans.toml, which the landing page is made from.
std::vector<OfferedPlan> offered_plans() {
  std::ifstream file(DEPLOYCLAW_SOURCE_DIR "/catalog/plans.toml");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> mistakes;
  Problems problems{.file = "catalog/plans.toml", .list = mistakes};
  std::vector<OfferedPlan> plans;
  if (const auto table = parse_toml(text, problems)) {
    TomlReader reader(*table, "", problems);
    for (auto& plan : reader.tables("plan")) {
      plans.push_back({.name = plan.text("name"),
                       .limits = {.agents = plan.whole("agents", 1, 10'000),
                                  .default_daily_token_spend =
                                      plan.number("default_daily_token_spend_usd", 0, 1'000'000)}});
      plan.text("title");
      plan.text("summary");
      plan.whole("monthly_usd", 0, 1'000'000);
      plan.flag_or("recommended", false);
      plan.finish();
    }
    reader.finish();
  }
  EXPECT_TRUE(mistakes.empty()) << joined_lines(mistakes);
  return plans;
}

TEST(PlanLimits, AreWhatThePlansOnOfferSay) {
  const auto plans = offered_plans();
  std::vector<std::string> names;
  for (const auto& plan : plans) {
    names.push_back(plan.name);
    const auto limits = plan_limits(plan.name);
    EXPECT_EQ(limits.agents, plan.limits.agents) << plan.name;
    EXPECT_EQ(limits.default_daily_token_spend, plan.limits.default_daily_token_spend) << plan.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"starter", "team", "scale"}));
}

TEST(PlanLimits, OfAnUnknownPlanAreTheSmallestOnes) {
  const auto unknown = plan_limits("platinum");
  EXPECT_EQ(unknown.agents, plan_limits("starter").agents);
  EXPECT_EQ(unknown.default_daily_token_spend, plan_limits("starter").default_daily_token_spend);
}

}  // namespace
}  // namespace deployclaw::domain
