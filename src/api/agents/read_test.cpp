#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class ReadAgents : public ::testing::Test {
 protected:
  ReadAgents() : client(api) {
    client.sign_up("ada@example.com");
    Fixture::sql("UPDATE clients SET plan = 'team'");
  }
  Fixture api;
  Client client;
};

TEST_F(ReadAgents, AListIsPagedNewestFirstWithoutGapsOrRepeats) {
  for (int i = 0; i < 5; ++i) deploy(client, "agent " + std::to_string(i));
  std::vector<std::string> names;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto answer =
        client.get("/api/agents?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(answer.status, 200);
    for (const auto& item : answer.at("items").get_array())
      names.emplace_back(item.at("name").get_string());
    cursor = answer.at("nextCursor").is_null() ? "" : answer.string_at("nextCursor");
    EXPECT_EQ(cursor.empty(), page == 2);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"agent 4", "agent 3", "agent 2", "agent 1", "agent 0"}));
}

TEST_F(ReadAgents, BadQueriesAreRefused) {
  for (const char* query : {"limit=0", "limit=201", "limit=x", "cursor=%20", "cursor=abc", "limt=5",
                            "limit=1&limit=2", "cursor=MTIzLm5vdC1hLXV1aWQ"}) {
    EXPECT_EQ(client.get(std::string("/api/agents?") + query).status, 422) << query;
  }
}

TEST_F(ReadAgents, AnIdThatIsNoneAnswersLikeOneThatIsNotThere) {
  for (const char* id : {"3b241101-e2bb-4255-8caf-4136c566a962", "nonsense", "1", "%00"}) {
    for (const char* tail : {"", "/health", "/output", "/logs", "/credentials", "/deployments",
                             "/deployments/3b241101-e2bb-4255-8caf-4136c566a962", "/metrics"}) {
      const auto answer = client.get(std::string("/api/agents/") + id + tail);
      EXPECT_TRUE(answer.status == 404 || answer.status == 400) << id << tail << answer.status;
    }
  }
}

TEST_F(ReadAgents, OneAgentTellsWhatItSpentTodayAndMaySpend) {
  const auto id = deploy(client, "a");
  const auto spend = [&] { return client.get("/api/agents/" + id).at("agent").at("spend"); };
  EXPECT_EQ(spend().at("todayUsd").to_number<double>(), 0);
  const auto plans = spend().at("capUsd").to_number<double>();
  EXPECT_GT(plans, 0);
  Fixture::sql(
      "INSERT INTO model_spend (client_id, agent_id, day, settled) SELECT client_id, id, "
      "(now() AT TIME ZONE 'UTC')::date - n, 1250001 + n FROM agents, generate_series(0, 1) n");
  EXPECT_EQ(spend().at("todayUsd").to_number<double>(), 1.250001);
  Fixture::sql("UPDATE agents SET permissions = permissions || '{\"maxDailyTokenSpend\": 0.5}'");
  EXPECT_EQ(spend().at("capUsd").to_number<double>(), 0.5);
  const auto listed = client.get("/api/agents").at("items").at(0).at("spend");
  EXPECT_EQ(listed.at("todayUsd").to_number<double>(), 1.250001);
  EXPECT_EQ(listed.at("capUsd").to_number<double>(), 0.5);
}

TEST_F(ReadAgents, HealthIsWhatWasObserved) {
  const auto id = deploy(client, "a");
  const auto path = "/api/agents/" + id + "/health";
  EXPECT_EQ(client.get(path).string_at("status"), "starting") << "nobody looked yet";
  Fixture::sql(
      "INSERT INTO agent_observations (agent_id, client_id, health, checks, restarts, "
      "next_retry_at, last_exit_code) SELECT id, client_id, 'unhealthy', "
      "'[{\"name\": \"ready\", \"status\": \"failing\", \"detail\": \"503\", "
      "\"at\": \"2026-11-24T00:00:00.000Z\"}]', 2, now(), 137 FROM agents");
  const auto answer = client.get(path);
  EXPECT_EQ(answer.string_at("status"), "unhealthy");
  EXPECT_EQ(answer.at("restarts").to_number<int>(), 2);
  EXPECT_EQ(answer.at("lastExitCode").to_number<int>(), 137);
  EXPECT_EQ(answer.at("checks").get_array().size(), 1U);
  Fixture::sql("UPDATE agents SET desired_state = 'stopped', status = 'stopped'");
  EXPECT_EQ(client.get(path).string_at("status"), "stopped");
}

TEST_F(ReadAgents, DeploymentsAreKeptAsHistory) {
  const auto id = deploy(client, "a");
  Fixture::sql(
      "UPDATE deployments SET state = 'failed', ended_at = now(), exit_code = 3, "
      "last_output = E'boom \\u0001 \"quoted\"', reason = 'exited', steps = "
      "'[{\"name\": \"pulling\", \"startedAt\": \"2026-11-24T00:00:00.000Z\", "
      "\"endedAt\": null, \"detail\": null}]'");
  client.post("/api/agents/" + id + "/restart");
  const auto answer = client.get("/api/agents/" + id + "/deployments?limit=1");
  EXPECT_EQ(answer.at("items").get_array()[0].at("kind").get_string(), "restart");
  const auto older =
      client.get("/api/agents/" + id + "/deployments?cursor=" + answer.string_at("nextCursor"));
  const auto& first = older.at("items").get_array()[0];
  EXPECT_EQ(first.at("exitCode").to_number<int>(), 3);
  EXPECT_EQ(first.at("lastOutput").get_string(), "boom \x01 \"quoted\"");
  EXPECT_TRUE(older.at("nextCursor").is_null());
}

TEST_F(ReadAgents, AnotherClientsAgentIsNotThereByAnyWay) {
  const auto id = deploy(client, "mine");
  client.post("/api/agents/" + id + "/credentials",
              json::parse(R"({"name": "o", "kind": "openai", "value": "sk-value-x"})"));
  const auto before =
      Fixture::sql("SELECT a::text || c.encrypted::text FROM agents a, agent_credentials c");
  Client other(api);
  other.sign_up("eve@example.com", "Eve");
  const auto path = "/api/agents/" + id;
  const auto deployment = "/deployments/" + newest_deployment(id);
  for (const std::string& tail :
       std::vector<std::string>{"", "/health", "/output", "/output?follow=true", "/logs",
                                "/credentials", "/deployments", deployment, "/metrics"}) {
    EXPECT_EQ(other.get(path + tail).status, 404) << tail;
  }
  for (const std::string& tail :
       std::vector<std::string>{"/restart", "/start", "/stop", deployment + "/restore"}) {
    EXPECT_EQ(other.post(path + tail).status, 404) << tail;
  }
  EXPECT_EQ(other.send(http::Method::kPatch, path, json::parse(R"({"name": "hers"})")).status, 404);
  EXPECT_EQ(other.del(path).status, 404);
  EXPECT_EQ(other
                .post(path + "/credentials",
                      json::parse(R"({"name": "x", "kind": "openai", "value": "value-v1"})"))
                .status,
            404);
  EXPECT_EQ(other
                .send(http::Method::kPut, path + "/credentials/o",
                      json::parse(R"({"value": "value-v1"})"))
                .status,
            404);
  EXPECT_EQ(other.del(path + "/credentials/o").status, 404);
  EXPECT_EQ(other.get("/api/agents").at("items").get_array().size(), 0U);
  EXPECT_THAT(other.get("/api/audit?limit=200").text, Not(HasSubstr(id)));
  EXPECT_THAT(other.get("/api/audit?agentId=" + id).text, Not(HasSubstr("agent_created")));
  EXPECT_THAT(other.get("/api/audit/export").text, Not(HasSubstr(id)));
  // A cursor of one client shows another nothing but its own.
  deploy(client, "second");
  const auto cursor = client.get("/api/agents?limit=1").string_at("nextCursor");
  EXPECT_EQ(other.get("/api/agents?cursor=" + cursor).at("items").get_array().size(), 0U);
  EXPECT_EQ(
      Fixture::sql("SELECT a::text || c.encrypted::text FROM agents a JOIN agent_credentials c "
                   "ON c.agent_id = a.id"),
      before);
}

TEST_F(ReadAgents, RuntimesTellDefaultsAndLimits) {
  const auto answer = client.get("/api/runtimes");
  ASSERT_EQ(answer.status, 200);
  std::set<std::string> names;
  for (const auto& item : answer.at("items").get_array())
    names.emplace(item.at("name").get_string());
  EXPECT_TRUE(names.contains("openclaw") && names.contains("probe"));
  EXPECT_EQ(client.get("/api/credential-kinds").status, 200);
}

TEST_F(ReadAgents, NothingIsReadBelowLevelFull) {
  Client half(api);
  ASSERT_EQ(half.register_account("half@example.com").status, 201);
  for (const char* path :
       {"/api/agents", "/api/audit", "/api/audit/export", "/api/runtimes", "/api/credential-kinds",
        "/api/agents/3b241101-e2bb-4255-8caf-4136c566a962"}) {
    EXPECT_EQ(half.get(path).code(), "two_factor_required") << path;
  }
  Client nobody(api);
  EXPECT_EQ(nobody.get("/api/agents").status, 401);
}

}  // namespace
}  // namespace deployclaw::api
