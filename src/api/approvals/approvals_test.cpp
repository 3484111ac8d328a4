#include "api/approvals/approvals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;

class Approvals : public ::testing::Test {
 protected:
  Approvals() : client(api) {
    client.sign_up("ada@example.com");
    agent = deploy(client, "mailer");
  }
  // As egress does.
  std::string asked(int number, const std::string& lifetime = "10 minutes",
                    const std::string& text = R"({"request":{"method":"POST","url":"https://x/",
                       "headers":[],"body":{"encoding":"none","content":"","bytes":0}},
                       "message":null,"warnings":[]})") {
    return Fixture::sql("SELECT approval_id FROM approval.ask('" + client.client_id + "', '" +
                        agent + "', sha256('" + std::to_string(number) +
                        "'), 'email:send', 'ada@example.com', convert_to($t$" + text +
                        "$t$, 'UTF8'), '" + lifetime + "', 100)");
  }
  std::string path(const std::string& id, const std::string& verb = "") const {
    return "/api/agents/" + agent + "/approvals/" + id + (verb.empty() ? "" : "/" + verb);
  }
  static std::string state_of(const std::string& id) {
    return Fixture::sql("SELECT state FROM approvals WHERE id = '" + id + "'");
  }

  Fixture api;
  Client client;
  std::string agent;
};

TEST_F(Approvals, AreListedNewestFirstWithHowManyWait) {
  const auto first = asked(1);
  const auto second = asked(2);
  const auto third = asked(3);
  EXPECT_EQ(client.post(path(second, "deny")).status, 200);
  for (const auto& list : {std::string("/api/approvals"), "/api/agents/" + agent + "/approvals"}) {
    const auto answer = client.get(list);
    ASSERT_EQ(answer.status, 200) << answer.text;
    const auto& items = answer.at("items").get_array();
    ASSERT_EQ(items.size(), 3U);
    EXPECT_EQ(items[0].at("id").get_string(), third);
    EXPECT_EQ(items[2].at("id").get_string(), first);
    EXPECT_EQ(items[0].at("agentName").get_string(), "mailer");
    EXPECT_EQ(items[0].at("request").at("request").at("method").get_string(), "POST");
    EXPECT_EQ(answer.at("pending").to_number<int>(), 2);
  }
  EXPECT_EQ(client.get("/api/approvals?state=denied").at("items").get_array().size(), 1U);
  EXPECT_EQ(client.get("/api/approvals?state=maybe").status, 422);
  const auto page = client.get("/api/approvals?limit=2");
  const auto rest = client.get("/api/approvals?limit=2&cursor=" + page.string_at("nextCursor"));
  ASSERT_EQ(rest.at("items").get_array().size(), 1U);
  EXPECT_EQ(rest.at("items").get_array()[0].at("id").get_string(), first);
  EXPECT_TRUE(rest.at("nextCursor").is_null());
}

TEST_F(Approvals, ALargeRequestIsShownWholeAlone) {
  const auto id = asked(1, "10 minutes",
                        R"({"request":{"method":"POST","url":"https://x/","headers":[],"body":
      {"encoding":"text","bytes":20000,"content":")" +
                            std::string(20'000, 'x') + R"("}},"message":null,"warnings":[]})");
  const auto list = client.get("/api/approvals");
  EXPECT_TRUE(list.at("items").get_array()[0].at("request").is_null());
  const auto one = client.get(path(id));
  ASSERT_EQ(one.status, 200);
  EXPECT_EQ(one.string_at("approval", "request", "request", "body", "content").size(), 20'000U);
}

TEST_F(Approvals, AYesOrANoIsKeptWithWhoSaidIt) {
  for (const auto& [verb, state] :
       {std::pair<std::string, std::string>{"grant", "granted"}, {"deny", "denied"}}) {
    const auto id = asked(verb == "grant" ? 1 : 2);
    const auto answer = client.post(path(id, verb));
    ASSERT_EQ(answer.status, 200) << answer.text;
    EXPECT_EQ(answer.string_at("approval", "state"), state);
    EXPECT_EQ(answer.string_at("approval", "decidedBy", "email"), "ada@example.com");
    EXPECT_EQ(state_of(id), state);
    EXPECT_EQ(Fixture::sql("SELECT actor_type || ' ' || actor_id || ' ' || (metadata ->> "
                           "'approvalId') FROM audit_logs WHERE action_type = 'approval_" +
                           state + "'"),
              "user " + client.user_id + " " + id);
    for (const auto* again : {"grant", "deny"}) {
      const auto late = client.post(path(id, again));
      EXPECT_EQ(late.status, 409);
      EXPECT_EQ(late.code(), "approval_not_pending");
    }
    EXPECT_EQ(state_of(id), state);
  }
}

TEST_F(Approvals, WhatIsOverCannotBeDecided) {
  const auto id = asked(1, "0 seconds");
  const auto answer = client.post(path(id, "grant"));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(state_of(id), "pending") << "for housekeeping to mark";
  EXPECT_EQ(client.get(path(id)).string_at("approval", "state"), "expired");
  EXPECT_EQ(client.get("/api/approvals").at("pending").to_number<int>(), 0);
  EXPECT_EQ(Fixture::sql("SELECT approval.tidy()"), "1");
  EXPECT_EQ(state_of(id), "expired");
}

TEST_F(Approvals, OfManyWhoDecideAtOnceOneDoes) {
  const auto id = asked(1);
  int good = 0;
  for (const auto& answer :
       client.send_at_once(8, http::Method::kPost, path(id, "grant"), json::object())) {
    good += answer.status == 200;
    EXPECT_TRUE(answer.status == 200 || answer.status == 409) << answer.text;
  }
  EXPECT_EQ(good, 1);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'approval_granted'"),
            "1");
}

TEST_F(Approvals, DecidingTakesAFreshSession) {
  const auto id = asked(1);
  api.clock.advance(std::chrono::minutes(11));
  for (const auto* verb : {"grant", "deny"}) {
    const auto answer = client.post(path(id, verb));
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.code(), "two_factor_required");
  }
  EXPECT_EQ(state_of(id), "pending");
  EXPECT_EQ(client.get(path(id)).status, 200) << "reading does not";
  client.step_up();
  EXPECT_EQ(client.post(path(id, "grant")).status, 200);
}

TEST_F(Approvals, DecidingTakesAPersonWithARole) {
  const auto id = asked(1);
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(client.post(path(id, "grant")).code(), "role_insufficient");
  EXPECT_EQ(client.get(path(id)).status, 200);
  Fixture::sql("UPDATE users SET role = 'member'");
  // A program's key instead of the cookie, or besides it.
  const auto cookie = std::exchange(client.cookie, "");
  const auto key = client.post(path(id, "grant"), json::object(),
                               {{"Authorization", "Bearer dck_0123456789abcdefghijklmnopqrstuv"}});
  EXPECT_TRUE(key.status == 401 || key.status == 403) << key.text;
  client.cookie = cookie;
  EXPECT_EQ(
      client.post(path(id, "grant"), json::object(), {{"Authorization", "Bearer dck_x"}}).status,
      400);
  EXPECT_EQ(client.post(path(id, "grant"), json::object(), {{"X-CSRF-Token", ""}}).code(),
            "csrf_refused");
  EXPECT_EQ(client.post(path(id, "grant"), json::object{{"all", true}}).status, 422);
  EXPECT_EQ(state_of(id), "pending");
  EXPECT_EQ(client.post(path(id, "grant")).status, 200);
}

TEST_F(Approvals, AnotherClientsAreNotThere) {
  const auto id = asked(1);
  Client other(api);
  other.sign_up("bob@example.com", "Other");
  const auto own = deploy(other, "own");
  EXPECT_EQ(other.get("/api/approvals").at("items").get_array().size(), 0U);
  EXPECT_EQ(other.get("/api/approvals").at("pending").to_number<int>(), 0);
  EXPECT_EQ(other.get("/api/agents/" + agent + "/approvals").status, 404);
  EXPECT_EQ(other.get(path(id)).status, 404);
  for (const auto* verb : {"grant", "deny"}) {
    EXPECT_EQ(other.post(path(id, verb)).status, 404);
    EXPECT_EQ(other.post("/api/agents/" + own + "/approvals/" + id + "/" + verb).status, 404);
  }
  EXPECT_EQ(state_of(id), "pending");
  EXPECT_EQ(client.get(path("not-a-uuid")).status, 404);
}

TEST_F(Approvals, TheSameIdempotencyKeyReplaysTheAnswer) {
  const auto id = asked(1);
  const Client::Fields key{{"Idempotency-Key", "k1"}};
  EXPECT_EQ(client.post(path(id, "grant"), json::object(), key).status, 200);
  const auto again = client.post(path(id, "grant"), json::object(), key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.headers.get("idempotency-replayed"), "true");
}

}  // namespace
}  // namespace deployclaw::api
