#include "domain/default_limits.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace deployclaw::domain {
namespace {

AgentLimits limits_for(std::string_view permissions, std::string_view plan = "starter") {
  std::vector<FieldError> errors;
  const auto read = read_permissions(boost::json::parse(permissions), "", errors);
  EXPECT_TRUE(errors.empty());
  return limits_of(read, plan);
}

TEST(DefaultLimits, NoScopeIsEverWithoutALimit) {
  for (const auto scope : kScopes) {
    const auto limits = default_limits(scope);
    EXPECT_GT(limits.per_hour, 0U) << scope;
    EXPECT_GE(limits.per_day, limits.per_hour) << scope;
    EXPECT_LE(limits.per_day, kMostPerWindow) << scope;
    EXPECT_EQ(limits_for(R"({"scopes": []})").windows[*scope_index(scope)], limits);
  }
}

TEST(DefaultLimits, TheCustomersTakeTheirPlace) {
  const auto both = limits_for(
      R"({"scopes": [], "rateLimits": {"email:send": {"maxPerHour": 7, "maxPerDay": 9}}})");
  EXPECT_EQ(both.windows[*scope_index("email:send")], (WindowLimits{.per_hour = 7, .per_day = 9}));
  const auto hour =
      limits_for(R"({"scopes": [], "rateLimits": {"email:send": {"maxPerHour": 7}}})");
  EXPECT_EQ(hour.windows[*scope_index("email:send")],
            (WindowLimits{.per_hour = 7, .per_day = 168}));
  const auto day = limits_for(R"({"scopes": [], "rateLimits": {"email:send": {"maxPerDay": 9}}})");
  EXPECT_EQ(day.windows[*scope_index("email:send")], (WindowLimits{.per_hour = 9, .per_day = 9}));
  const auto most =
      limits_for(R"({"scopes": [], "rateLimits": {"email:send": {"maxPerHour": 900000}}})");
  EXPECT_EQ(most.windows[*scope_index("email:send")].per_day, 1'000'000U);
}

TEST(DefaultLimits, SpendIsThePlansUnlessTheCustomerNamesIt) {
  EXPECT_EQ(limits_for(R"({"scopes": []})").daily_spend, 5'000'000U);
  EXPECT_EQ(limits_for(R"({"scopes": []})", "scale").daily_spend, 100'000'000U);
  EXPECT_EQ(limits_for(R"({"scopes": [], "maxDailyTokenSpend": 0})").daily_spend, 0U);
  EXPECT_EQ(limits_for(R"({"scopes": [], "maxDailyTokenSpend": 0.1})").daily_spend, 100'000U);
}

TEST(DefaultLimits, WhatIsNoScopeHasNoPlace) {
  EXPECT_FALSE(scope_index("model"));
  EXPECT_FALSE(scope_index(""));
  EXPECT_EQ(scope_index("email:send"), 1U);
}

}  // namespace
}  // namespace deployclaw::domain
