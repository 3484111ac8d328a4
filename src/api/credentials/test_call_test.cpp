#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"

// The api's part of a credential's test; egress is played by a trigger that answers at once.
namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class TestCall : public ::testing::Test {
 protected:
  TestCall() : client(api) {
    client.sign_up("ada@example.com");
    agent = deploy(client, "Helper");
    add(R"({"name": "KEY", "kind": "openai", "value": "sk-live-do-not-show-me"})");
  }
  ~TestCall() override { Fixture::sql("DROP TRIGGER IF EXISTS played ON credential_tests"); }

  void add(std::string_view body) {
    const auto answer = client.post("/api/agents/" + agent + "/credentials", json::parse(body));
    ASSERT_EQ(answer.status, 201) << answer.text;
  }
  // Every test that is asked for is changed so at once.
  static void egress_does(const std::string& change) {
    Fixture::sql(
        "CREATE OR REPLACE FUNCTION played() RETURNS trigger LANGUAGE plpgsql "
        "SECURITY DEFINER AS $$ BEGIN UPDATE public.credential_tests SET " +
        change +
        " WHERE id = NEW.id; RETURN NULL; END $$;"
        "DROP TRIGGER IF EXISTS played ON credential_tests;"
        "CREATE TRIGGER played AFTER INSERT ON credential_tests FOR EACH ROW "
        "EXECUTE FUNCTION played()");
  }
  static void egress_answers(const std::string& reason, const std::string& status) {
    egress_does("claimed_at = now(), answered_at = now(), reason = '" + reason +
                "', status = " + status);
  }
  std::string path(const std::string& name = "KEY") const {
    return "/api/agents/" + agent + "/credentials/" + name + "/test";
  }
  Answer ask(const std::string& name = "KEY") { return client.post(path(name), json::object()); }

  Fixture api;
  Client client;
  std::string agent;
};

TEST_F(TestCall, AnswersTheVerdictInWords) {
  egress_answers("accepted", "200");
  const auto good = ask();
  ASSERT_EQ(good.status, 200) << good.text;
  EXPECT_EQ(good.string_at("verdict"), "accepted");
  EXPECT_EQ(good.string_at("reason"), "accepted");
  EXPECT_EQ(good.at("status"), 200);
  EXPECT_EQ(good.string_at("message"), "OpenAI accepts this credential.");
  EXPECT_FALSE(good.string_at("testedAt").empty());
  egress_answers("rejected", "401");
  const auto bad = ask();
  EXPECT_EQ(bad.string_at("verdict"), "refused");
  EXPECT_THAT(bad.string_at("message"), HasSubstr("OpenAI refuses this credential."));
  egress_answers("upstream_timeout", "NULL");
  const auto away = ask();
  EXPECT_EQ(away.string_at("verdict"), "unreachable");
  EXPECT_TRUE(away.at("status").is_null());
}

TEST_F(TestCall, TellsWhenEgressIsSilent) {
  egress_does("created_at = created_at - interval '30 seconds'");
  const auto answer = ask();
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.string_at("verdict"), "unreachable");
  EXPECT_EQ(answer.string_at("reason"), "egress_silent");
  EXPECT_THAT(answer.string_at("message"), HasSubstr("did not answer"));
}

TEST_F(TestCall, KnowsWhatIsThereAndWhatCanBeTested) {
  egress_answers("accepted", "200");
  EXPECT_EQ(ask("NOPE").status, 404);
  EXPECT_EQ(
      client.post("/api/agents/" + std::string(36, '0') + "/credentials/KEY/test", json::object())
          .status,
      404);
  add(R"({"name": "own", "value": "value-0123", "hosts": ["api.example.com"]})");
  const auto generic = ask("own");
  EXPECT_EQ(generic.status, 422);
  EXPECT_EQ(generic.code(), "test_not_offered");
  add(R"({"name": "files", "kind": "slack", "value": "xoxb-0123456789", "hosts": ["files.slack.com"]})");
  EXPECT_EQ(ask("files").code(), "test_not_offered");
  EXPECT_EQ(client.post(path(), json::parse(R"({"value": "x"})")).status, 422);
  const auto listed = client.get("/api/agents/" + agent + "/credentials");
  for (const auto& one : listed.at("items").as_array()) {
    EXPECT_EQ(one.at("testable").as_bool(), one.at("name") == "KEY") << one.at("name");
  }
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM credential_tests"), "0");
}

TEST_F(TestCall, OfAnotherClientsCredentialIsNotFound) {
  egress_answers("accepted", "200");
  Client stranger(api);
  stranger.sign_up("eve@example.com");
  EXPECT_EQ(stranger.post(path(), json::object()).status, 404);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM credential_tests"), "0");
}

TEST_F(TestCall, IsForThoseWhoMayReplaceIt) {
  egress_answers("accepted", "200");
  Fixture::sql("UPDATE users SET role = 'member'");
  EXPECT_EQ(ask().code(), "role_insufficient");
  Fixture::sql("UPDATE users SET role = 'admin'");
  EXPECT_EQ(ask().status, 200);
}

TEST_F(TestCall, OneRunsAtATimeAndTenAMinute) {
  const std::string columns =
      "(client_id, agent_id, credential, requested_by) SELECT client_id, '" + agent +
      "'::uuid, 'KEY', id FROM users";
  Fixture::sql("INSERT INTO credential_tests " + columns);
  const auto second = ask();
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(second.code(), "test_running");
  egress_answers("accepted", "200");
  for (int i = 0; i < 9; ++i) Fixture::sql("INSERT INTO credential_tests " + columns);
  Fixture::sql(
      "UPDATE credential_tests SET claimed_at = now(), answered_at = now(), reason = 'accepted'");
  const auto refused = ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "too_many_tests");
  EXPECT_TRUE(refused.headers.get("retry-after"));
  EXPECT_THAT(std::string(refused.headers.get("ratelimit-policy").value_or("")),
              HasSubstr("q=10;w=60"));
  Fixture::sql("UPDATE credential_tests SET created_at = created_at - interval '1 minute'");
  EXPECT_EQ(ask().status, 200);
}

TEST_F(TestCall, LeavesTheValueNowhere) {
  egress_answers("accepted", "200");
  EXPECT_THAT(ask().text, Not(HasSubstr("do-not-show-me")));
  EXPECT_THAT(Fixture::sql("SELECT string_agg(t::text, '') FROM credential_tests t"),
              Not(HasSubstr("do-not-show-me")));
}

}  // namespace
}  // namespace deployclaw::api
