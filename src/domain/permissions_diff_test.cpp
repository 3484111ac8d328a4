#include "domain/permissions_diff.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace deployclaw::domain {
namespace {

Permissions read(std::string_view text) {
  std::vector<FieldError> errors;
  auto permissions = read_permissions(boost::json::parse(text), "", errors);
  EXPECT_TRUE(errors.empty()) << text;
  return permissions;
}

std::string diff_of(std::string_view before, std::string_view after) {
  return boost::json::serialize(diff(read(before), read(after)));
}

TEST(PermissionsDiff, ShowsOnlyWhatDiffers) {
  EXPECT_EQ(
      diff_of(R"({"scopes": ["email:read", "email:send"], "allowedDomains": ["a.example"]})",
              R"({"scopes": ["api:outbound", "email:read"], "allowedDomains": ["a.example"]})"),
      R"({"scopes":{"added":["api:outbound"],"removed":["email:send"]}})");
  EXPECT_EQ(diff_of(R"({"scopes": [], "allowedDomains": ["a.example", "b.example"]})",
                    R"({"scopes": [], "allowedDomains": ["b.example", "a.example"]})"),
            "{}")
      << "order does not count";
}

TEST(PermissionsDiff, ShowsLimitsSpendAndApproval) {
  EXPECT_EQ(diff_of(R"({"scopes": [], "rateLimits": {"email:send": {"maxPerHour": 5},
                        "files:read": {"maxPerDay": 9}}})",
                    R"({"scopes": [], "rateLimits": {"email:send": {"maxPerHour": 6},
                        "files:read": {"maxPerDay": 9}, "email:read": {"maxPerDay": 1}},
                        "maxDailyTokenSpend": 2.5, "approval": ["email:send"]})"),
            R"({"approval":{"added":["email:send"]},"rateLimits":{)"
            R"("email:read":{"from":null,"to":{"maxPerDay":1}},)"
            R"("email:send":{"from":{"maxPerHour":5},"to":{"maxPerHour":6}}},)"
            R"("maxDailyTokenSpend":{"from":null,"to":2.5E0}})");
}

TEST(PermissionsDiff, IsEmptyForTheSame) {
  constexpr auto kSame = R"({"scopes": ["email:read"], "maxDailyTokenSpend": 0,
                             "rateLimits": {"email:read": {"maxPerHour": 3}}})";
  EXPECT_EQ(diff_of(kSame, kSame), "{}");
}

}  // namespace
}  // namespace deployclaw::domain
