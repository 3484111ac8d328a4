#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig =
    R"({"config": {"a": 1, "token": "first-secret", "channels": [{"botToken": "bot-secret"}]}})";
constexpr const char* kNobody = "3b241101-e2bb-4255-8caf-4136c566a962";

class ShowDeployment : public ::testing::Test {
 protected:
  ShowDeployment() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "Helper", kConfig);
    first = newest_deployment(id);
  }
  // Changes the agent; answers the deployment that this made.
  std::string change(std::string_view body) {
    settle();
    const auto answer = client.send(http::Method::kPatch, "/api/agents/" + id, json::parse(body));
    EXPECT_EQ(answer.status, 202) << answer.text;
    return newest_deployment(id);
  }
  std::string path(const std::string& deployment) const {
    return "/api/agents/" + id + "/deployments/" + deployment;
  }
  Answer show(const std::string& deployment) { return client.get(path(deployment)); }
  // `which`: before, now.
  std::string same(const std::string& deployment, const char* which) {
    return json::serialize(show(deployment).at("sameSecrets", which));
  }

  Fixture api;
  Client client;
  std::string id;
  std::string first;
};

TEST_F(ShowDeployment, TellsTheWholeVersionButNothingSealed) {
  const auto answer = show(first);
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.string_at("deployment", "id"), first);
  EXPECT_EQ(answer.string_at("deployment", "kind"), "create");
  EXPECT_EQ(answer.string_at("version", "runtime"), "probe");
  EXPECT_EQ(answer.string_at("version", "runtimeVersion"), "1");
  EXPECT_EQ(answer.at("version", "config"), json::parse(R"({"a": 1, "token": {"$sealed": true},
    "channels": [{"botToken": {"$sealed": true}}]})"));
  EXPECT_EQ(answer.at("version", "permissions"),
            client.get("/api/agents/" + id).at("agent", "permissions"));
  EXPECT_EQ(answer.at("version", "resources", "memoryMb").to_number<int>(), 32);
  EXPECT_TRUE(answer.at("before").is_null());
  const auto sealed =
      Fixture::sql("SELECT spec #>> '{config,token,$sealed,ciphertext}' FROM deployments");
  for (const auto& hidden : {std::string("secret\""), std::string("ciphertext"), sealed}) {
    EXPECT_THAT(answer.text, Not(HasSubstr(hidden)));
  }
}

TEST_F(ShowDeployment, NothingElseOfASpecIsShown) {
  Fixture::sql("UPDATE deployments SET spec = spec || '{\"internal\": \"never-shown\"}'");
  EXPECT_THAT(show(first).text, Not(HasSubstr("never-shown")));
}

TEST_F(ShowDeployment, TheVersionBeforeIsThatOfTheDeploymentBefore) {
  deploy(client, "Second", R"({"config": {"of": "another"}})");
  const auto second = change(R"({"config": {"a": 2}, "resources": {"pids": 20}})");
  const auto answer = show(second);
  EXPECT_EQ(answer.at("version", "config"), json::parse(R"({"a": 2})"));
  EXPECT_EQ(answer.at("version", "resources", "pids").to_number<int>(), 20);
  EXPECT_EQ(answer.at("before"), show(first).at("version"));
  EXPECT_TRUE(show(first).at("before").is_null()) << "what came later is not before";
}

TEST_F(ShowDeployment, OfTwoAtTheSameTimeTheIdDecides) {
  const auto second = change(R"({"config": {"a": 2}})");
  Fixture::sql("UPDATE deployments SET created_at = '2026-01-01'");
  EXPECT_EQ(show(std::min(first, second)).at("before"), json::value());
  EXPECT_EQ(show(std::max(first, second)).at("before"),
            show(std::min(first, second)).at("version"));
}

TEST_F(ShowDeployment, SecretsThatWereNotTouchedAreTheSame) {
  EXPECT_EQ(same(first, "before"), "[]") << "there is none";
  EXPECT_EQ(same(first, "now"), R"(["/config/channels/0/botToken","/config/token"])");
  const auto second = change(R"({"config": {"token": "second-secret",
    "channels": [{"botToken": {"$sealed": true}}]}})");
  EXPECT_EQ(same(second, "before"), R"(["/config/channels/0/botToken"])");
  EXPECT_EQ(same(second, "now"), R"(["/config/channels/0/botToken","/config/token"])");
  EXPECT_EQ(same(first, "now"), R"(["/config/channels/0/botToken"])");
}

TEST_F(ShowDeployment, AValueGivenAnewIsNotCalledTheSame) {
  const auto second = change(R"({"config": {"a": 2, "token": "first-secret"}})");
  EXPECT_EQ(same(second, "before"), "[]");
  EXPECT_EQ(same(first, "now"), "[]");
}

TEST_F(ShowDeployment, WhatIsNotTheAgentsIsNotThere) {
  const auto other_agent = deploy(client, "Second");
  EXPECT_EQ(show(newest_deployment(other_agent)).status, 404);
  EXPECT_EQ(show(kNobody).status, 404);
  EXPECT_EQ(show("nonsense").status, 404);
  EXPECT_EQ(client.get(std::string("/api/agents/") + kNobody + "/deployments/" + first).status,
            404);
  Client other(api);
  other.sign_up("eve@example.com", "Eve");
  EXPECT_EQ(other.get(path(first)).status, 404);
  const auto hers = deploy(other, "Hers");
  EXPECT_EQ(other.get("/api/agents/" + hers + "/deployments/" + first).status, 404);
}

TEST_F(ShowDeployment, ViewersMayReadItAndNobodyBelowLevelFull) {
  Fixture::sql("UPDATE users SET role = 'viewer'");
  api.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(show(first).status, 200);
  Client half(api);
  half.login("ada@example.com");
  EXPECT_EQ(half.get(path(first)).code(), "two_factor_required");
  Client nobody(api);
  EXPECT_EQ(nobody.get(path(first)).status, 401);
}

}  // namespace
}  // namespace deployclaw::api
