#include "services/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/testing/policies.hpp"

namespace deployclaw::services {
namespace {

using ::testing::IsEmpty;
using testing::policy_of;
using ::testing::SizeIs;

RecordedGroup let_out(std::string method, std::string host, std::string rule, std::int64_t count,
                      std::int64_t key = 1) {
  RecordedGroup group;
  group.key = key;
  group.request.host = std::move(host);
  group.request.port = 443;
  group.request.method = std::move(method);
  group.request.path = "/p";
  group.request.rule = std::move(rule);
  group.count = count;
  group.last_at = Time(std::chrono::seconds(count));
  return group;
}

RecordedGroup refused(std::string layer, std::string method, std::string host, std::string rule,
                      std::int64_t count, std::int64_t key = 2) {
  auto group = let_out(std::move(method), std::move(host), std::move(rule), count, key);
  group.request.denied = true;
  group.request.layer = std::move(layer);
  return group;
}

constexpr auto kGmail = "gmail.googleapis.com";

TEST(Replay, TellsWhatADraftTakesAway) {
  const auto draft = policy_of({.scopes = {"email:read"}});
  const auto result = replay(draft, std::vector{let_out("GET", kGmail, "gmail/read", 10, 1),
                                                let_out("POST", kGmail, "gmail/send", 4, 2),
                                                let_out("GET", "a.example.com", "domain:a", 3, 3)});
  EXPECT_EQ(result.still_allowed, 10);
  ASSERT_THAT(result.newly_denied, SizeIs(2));
  EXPECT_EQ(result.newly_denied[0].rule, "gmail/send");
  EXPECT_EQ(result.newly_denied[0].scope, "email:send");
  EXPECT_EQ(result.newly_denied[0].count, 4);
  EXPECT_EQ(result.newly_denied[0].example, "POST https://gmail.googleapis.com/p");
  EXPECT_EQ(result.newly_denied[1].host, "a.example.com");
  EXPECT_THAT(result.newly_allowed, IsEmpty());
  ASSERT_THAT(result.charged, SizeIs(1));
  EXPECT_EQ(domain::kScopes[result.charged.at(1)], "email:read");
}

TEST(Replay, TellsWhatADraftOpens) {
  const auto draft =
      policy_of({.scopes = {"email:send", "api:outbound"}, .domains = {"a.example.com"}});
  auto name = refused("dns", "", "a.example.com", "", 2, 5);
  name.request.port.reset();
  const auto result =
      replay(draft, std::vector{refused("scope", "POST", kGmail, "gmail/send", 4, 1),
                                refused("domain", "GET", "a.example.com", "", 3, 2), name,
                                refused("domain", "GET", "b.example.com", "", 7, 3)});
  EXPECT_EQ(result.still_denied, 7);
  EXPECT_THAT(result.newly_allowed, SizeIs(3)) << "one of them a name";
}

TEST(Replay, NoPermissionChangesWhatTheCatalogueRefuses) {
  const auto draft = policy_of({.scopes = {"email:read", "email:send", "api:outbound"},
                                .domains = {"example.com"},
                                .credentials = {testing::credential("gmail")}});
  const auto result =
      replay(draft, std::vector{refused("service", "GET", kGmail, "gmail/read", 1, 1),
                                refused("service", "POST", kGmail, "", 1, 2)});
  EXPECT_EQ(result.still_denied, 2) << "a query that asked for another method is not recorded";
}

TEST(Replay, WhatSecretsOrLimitsRefusedIsNotCompared) {
  const auto draft = policy_of({.scopes = {"email:read"}});
  const auto result =
      replay(draft, std::vector{refused("secrets", "GET", kGmail, "gmail/read", 2, 1),
                                refused("rate", "GET", kGmail, "gmail/read", 3, 2)});
  EXPECT_EQ(result.refused_otherwise, 5);
  EXPECT_THAT(result.newly_allowed, IsEmpty());
  EXPECT_THAT(result.charged, SizeIs(1)) << "what a limit refused asks for its place again";
  EXPECT_TRUE(result.charged.contains(2));
}

TEST(LimitReplay, RefusesExactlyWhatFitsNoWindow) {
  domain::AgentLimits limits = domain::limits_of({}, "");
  limits.windows[0] = {.per_hour = 2, .per_day = 3};
  LimitReplay over_time(limits);
  const domain::Millis start = 20'000 * domain::kDay;
  for (const domain::Millis at : {0L, 1L, 2L, 3'600'000L, 3'600'000L, 86'400'000L}) {
    over_time.take(0, start + at);
  }
  const auto& scope = over_time.scopes()[0];
  EXPECT_EQ(scope.attempts, 6);
  EXPECT_EQ(scope.refused, 2) << "the third of the hour, the fourth of the day";
  EXPECT_EQ(scope.first_refused_at, start + 2);
  ASSERT_THAT(scope.days, SizeIs(2));
  EXPECT_EQ(scope.days.begin()->second.attempts, 5);
  EXPECT_EQ(scope.days.begin()->second.refused, 2);
}

}  // namespace
}  // namespace deployclaw::services
