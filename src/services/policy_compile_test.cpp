#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "services/policy.hpp"
#include "services/testing/policies.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using namespace testing;

TEST(Policy, AConditionOnTheBodyWaitsForIt) {
  const std::vector<std::pair<std::string, std::string>> files = {{"pay.toml", R"(name = "pay"
title = "Pay"
hosts = ["api.pay.example"]
[[rules]]
id = "refund"
methods = ["POST"]
paths = ["/v1/move"]
body = { pointer = "/kind", equals = ["refund"] }
deny = "refunds are for people"
[[rules]]
id = "look"
methods = ["POST"]
paths = ["/v1/move"]
body = { pointer = "/dry", equals = [true] }
scope = "files:read"
action = "api_call"
[[rules]]
id = "move"
methods = ["POST"]
paths = ["/v1/move"]
scope = "files:write"
action = "api_call"
)"}};
  const auto catalogue = Catalogue::of(files);
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  domain::Permissions permissions;
  permissions.scopes = {"files:read", "files:write"};
  const auto policy = AgentPolicy::compile(*catalogue, permissions, {}, true, 1);
  ASSERT_TRUE(policy);
  auto facts = request("POST", "api.pay.example", "/v1/move");
  EXPECT_TRUE(policy->decide(facts).needs_body);
  EXPECT_FALSE(policy->decide(facts).allowed);
  const auto with = [&](std::string_view json) {
    const auto body = boost::json::parse(json);
    facts.body = &body;
    return std::string(policy->decide(facts).rule) +
           (policy->decide(facts).allowed ? " allowed" : " refused");
  };
  EXPECT_EQ(with(R"({"kind": "refund", "dry": true})"), "pay/refund refused");
  EXPECT_EQ(with(R"({"dry": true})"), "pay/look allowed");
  EXPECT_EQ(with(R"({"dry": false})"), "pay/move allowed");
  EXPECT_EQ(with("[]"), "pay/move allowed");
  EXPECT_EQ(with("null"), "pay/refund refused") << "what cannot be read is no way around";
}

TEST(Policy, CompileRefusesWhatItCannotHold) {
  const auto compile = [](std::vector<AgentCredential> credentials,
                          std::vector<std::string> domains = {},
                          std::vector<std::string> scopes = {}) {
    domain::Permissions permissions;
    permissions.allowed_domains = std::move(domains);
    permissions.scopes = std::move(scopes);
    return AgentPolicy::compile(project_catalogue(), permissions, std::move(credentials), true, 1)
        .has_value();
  };
  auto twin = credential("openai");
  twin.name = "other";
  auto unknown = credential("openai");
  unknown.kind = "nope";
  auto empty = credential("openai");
  empty.placeholder = "";
  EXPECT_TRUE(compile({credential("openai"), credential("groq")}));
  EXPECT_FALSE(compile({credential("openai"), twin}));
  EXPECT_FALSE(compile({unknown}));
  EXPECT_FALSE(compile({empty}));
  EXPECT_FALSE(compile({}, {"*.com"}));
  EXPECT_FALSE(compile({}, {}, {"root"}));
}

TEST(Policy, ADenialTellsWhatIsMissing) {
  const auto policy = policy_of({});
  const std::string path = "/gmail/v1/users/me/messages/send";
  const auto facts = request("POST", "gmail.googleapis.com", path);
  const auto response = to_problem(policy.decide(facts), facts, "req-1");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  const auto body = boost::json::parse(response.body);
  EXPECT_EQ(body.at("code"), "egress_denied");
  EXPECT_EQ(body.at("layer"), "scope");
  EXPECT_EQ(body.at("host"), "gmail.googleapis.com");
  EXPECT_EQ(body.at("method"), "POST");
  EXPECT_EQ(body.at("path"), boost::json::string(path));
  EXPECT_EQ(body.at("missingScope"), "email:send");
  EXPECT_EQ(body.at("rule"), "gmail/send");
}

}  // namespace
}  // namespace deployclaw::services
