// What agents use and spend, as their owners see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;

constexpr std::size_t kHourOfSteps = 240;

class AgentMetrics : public ::testing::Test {
 protected:
  AgentMetrics() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "a");
  }
  // Samples and calls have the database's times. The api's clock stands still beside them: its
  // window would end before what came in a later step than the fixture.
  void catch_up() { api.clock.set(std::max(api.clock.now(), SystemClock().now())); }
  // A sample for each 15 seconds from `first` to `last` of them ago: a tenth of a core, 40 MiB.
  void measure(int first, int last) const {
    Fixture::sql(
        "INSERT INTO agent_metrics SELECT client_id, id, 15, date_bin('15 s', now(), 'epoch') - n "
        "* "
        "interval '15 s', 15, 1.5, 41943040, 67108864, 1000, 200 FROM agents, generate_series(" +
        std::to_string(last) + ", " + std::to_string(first) + ") n WHERE id = '" + id + "'");
  }
  json::value metrics(const std::string& query = "") {
    catch_up();
    const auto answer = client.get("/api/agents/" + id + "/metrics" + query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.body;
  }
  static std::size_t known(const json::value& series) {
    std::size_t count = 0;
    for (const auto& point : series.as_array()) count += point.at(1).is_null() ? 0 : 1;
    return count;
  }
  static double sum(const json::value& series) {
    double total = 0;
    for (const auto& point : series.as_array()) {
      if (!point.at(1).is_null()) total += point.at(1).to_number<double>();
    }
    return total;
  }
  void call_model(int tokens_in, int tokens_out, int micro_usd) const {
    Fixture::sql(
        "SELECT audit.append(jsonb_build_array(jsonb_build_object('clientId', client_id, "
        "'agentId', "
        "id, 'actorType', 'agent', 'actionType', 'model_call', 'outcome', 'success', 'metadata', "
        "jsonb_build_object('tokensIn', " +
        std::to_string(tokens_in) + ", 'tokensOut', " + std::to_string(tokens_out) +
        ", 'spentMicroUsd', " + std::to_string(micro_usd) + ")))) FROM agents");
  }
  Fixture api;
  Client client;
  std::string id;
};

TEST_F(AgentMetrics, WhatWasNotMeasuredIsNullAndWhatWasNotSpentNothing) {
  const auto answer = metrics();
  EXPECT_EQ(answer.at("stepSeconds").to_number<int>(), 15);
  EXPECT_TRUE(answer.at("current").is_null());
  for (const char* name : {"cpuCores", "memoryBytes", "networkRxBytes", "networkTxBytes"}) {
    EXPECT_EQ(answer.at("series").at(name).as_array().size(), kHourOfSteps) << name;
    EXPECT_EQ(known(answer.at("series").at(name)), 0U) << name;
  }
  for (const char* name : {"tokensIn", "tokensOut", "spendUsd"}) {
    EXPECT_EQ(known(answer.at("series").at(name)), kHourOfSteps) << name;
    EXPECT_EQ(sum(answer.at("series").at(name)), 0) << name;
  }
}

TEST_F(AgentMetrics, SamplesComeAtTheirStepsAndGapsStayGaps) {
  measure(21, 12);
  measure(9, 1);
  const auto answer = metrics("?range=1h");
  const auto& series = answer.at("series");
  EXPECT_EQ(known(series.at("cpuCores")), 19U);
  EXPECT_NEAR(sum(series.at("cpuCores")), 19 * 0.1, 1e-9);
  EXPECT_NEAR(sum(series.at("memoryBytes")), 19 * 41943040.0, 1e-3);
  EXPECT_EQ(sum(series.at("networkRxBytes")), 19000);
  EXPECT_EQ(sum(series.at("networkTxBytes")), 3800);
  // Each series has the same times, in steps.
  const auto& points = series.at("cpuCores").as_array();
  EXPECT_EQ(points.front().at(0), answer.at("from"));
  EXPECT_EQ(points.size(), series.at("tokensIn").as_array().size());
  const auto& current = answer.at("current");
  EXPECT_EQ(current.at("cpuPercent").to_number<double>(), 10);
  EXPECT_EQ(current.at("memoryBytes").to_number<std::int64_t>(), 41943040);
  EXPECT_EQ(current.at("memoryLimitBytes").to_number<std::int64_t>(), 67108864);
}

TEST_F(AgentMetrics, TokensAndSpendComeFromTheLogOfModelCalls) {
  call_model(1000, 50, 1'500'000);
  call_model(200, 5, 250'001);
  for (const char* query : {"?range=6h", "?range=24h", "?range=7d", "?range=30d"}) {
    const auto series = metrics(query).at("series");
    EXPECT_EQ(sum(series.at("tokensIn")), 1200) << query;
    EXPECT_EQ(sum(series.at("tokensOut")), 55) << query;
    EXPECT_NEAR(sum(series.at("spendUsd")), 1.750001, 1e-9) << query;
  }
}

TEST_F(AgentMetrics, EachRangeReadsTheSamplesThatAreKeptForIt) {
  Fixture::sql(
      "INSERT INTO agent_metrics SELECT client_id, id, r, date_bin(make_interval(secs => r), now() "
      "- "
      "interval '20 minutes', 'epoch'), r, r * 0.25, 1, null, r, r FROM agents, unnest(ARRAY[60, "
      "900]) r");
  EXPECT_EQ(sum(metrics("?range=1h").at("series").at("networkRxBytes")), 0);
  EXPECT_EQ(sum(metrics("?range=6h").at("series").at("networkRxBytes")), 60);
  EXPECT_EQ(sum(metrics("?range=24h").at("series").at("networkRxBytes")), 60);
  EXPECT_EQ(sum(metrics("?range=7d").at("series").at("networkRxBytes")), 900);
  EXPECT_EQ(sum(metrics("?range=30d").at("series").at("cpuCores")), 0.25);
}

TEST_F(AgentMetrics, ATimeOfOnesOwnTakesAStepOfOnesOwn) {
  measure(20, 1);
  const auto answer = metrics("?step=30");
  EXPECT_EQ(answer.at("stepSeconds").to_number<int>(), 30);
  EXPECT_EQ(sum(answer.at("series").at("networkRxBytes")), 20000);
  const auto steps = answer.at("series").at("cpuCores").as_array().size();
  EXPECT_TRUE(steps == 120 || steps == 121) << steps;
  const auto old = metrics("?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z");
  EXPECT_EQ(known(old.at("series").at("cpuCores")), 0U);
}

TEST_F(AgentMetrics, ABadQueryIsToldWithItsField) {
  const std::pair<const char*, const char*> bad[] = {
      {"?range=2h", "/query/range"},
      {"?range=", "/query/range"},
      {"?range=1h&step=60", "/query/range"},
      {"?step=14", "/query/step"},
      {"?step=x", "/query/step"},
      {"?from=yesterday", "/query/from"},
      {"?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/query/from"},
      {"?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&step=60", "/query/step"},
      {"?to=2999-01-01T00:00:00Z", "/query/to"},
      {"?rnage=1h", "/query/rnage"},
  };
  for (const auto& [query, field] : bad) {
    const auto answer = client.get("/api/agents/" + id + "/metrics" + query);
    EXPECT_EQ(answer.status, 422) << query;
    EXPECT_THAT(answer.text, HasSubstr(field)) << query;
  }
}

TEST_F(AgentMetrics, TheListTellsOfEachAgentWhatItDoesNow) {
  const auto first = [&] { return client.get("/api/agents").at("items").at(0); };
  EXPECT_TRUE(first().at("usage").is_null());
  EXPECT_EQ(first().at("restarts").to_number<int>(), 0);
  EXPECT_EQ(first().at("lastAction").at("action"), "agent_created");
  measure(2, 1);
  Fixture::sql(
      "INSERT INTO agent_observations (agent_id, client_id, restarts) SELECT id, client_id, 3 FROM "
      "agents");
  call_model(1, 1, 1);
  const auto agent = first();
  EXPECT_EQ(agent.at("usage").at("cpuPercent").to_number<double>(), 10);
  EXPECT_EQ(agent.at("usage").at("memoryLimitBytes").to_number<std::int64_t>(), 67108864);
  EXPECT_EQ(agent.at("restarts").to_number<int>(), 3);
  EXPECT_EQ(agent.at("lastAction").at("action"), "model_call");
  EXPECT_EQ(client.get("/api/agents/" + id).at("agent"), agent) << "one agent tells the same";
  Fixture::sql("UPDATE agents SET desired_state = 'stopped'");
  EXPECT_TRUE(first().at("usage").is_null()) << "what is stopped uses nothing";
}

TEST_F(AgentMetrics, OldUseIsNotTheUseOfNow) {
  measure(30, 6);
  EXPECT_TRUE(client.get("/api/agents").at("items").at(0).at("usage").is_null());
  EXPECT_TRUE(metrics().at("current").is_null());
}

TEST_F(AgentMetrics, AnotherClientSeesNoneOfIt) {
  measure(10, 1);
  Client other(api);
  other.sign_up("eve@example.com", "Eve");
  EXPECT_EQ(other.get("/api/agents/" + id + "/metrics").status, 404);
  const auto own = deploy(other, "hers");
  const auto answer = other.get("/api/agents/" + own + "/metrics");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(known(answer.at("series").at("cpuCores")), 0U);
  EXPECT_TRUE(other.get("/api/agents").at("items").at(0).at("usage").is_null());
}

}  // namespace
}  // namespace deployclaw::api
