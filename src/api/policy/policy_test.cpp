#include "api/policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PolicyApi : public ::testing::Test {
 protected:
  PolicyApi() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "Helper", R"({"permissions": {"scopes": ["email:read", "api:outbound"],
        "allowedDomains": ["api.example.com"], "rateLimits": {"email:read": {"maxPerHour": 7}}}})");
  }
  std::string path(std::string tail) const { return "/api/agents/" + id + tail; }
  Answer explain(std::string method, std::string url) {
    return client.post(path("/policy/explain"), {{"method", method}, {"url", url}});
  }
  Answer replay(std::string_view permissions) {
    return client.post(path("/policy/replay"), {{"permissions", json::parse(permissions)}});
  }
  // A record as egress writes it, `times` times, a second apart, the last one `ago` before now.
  void record(std::string_view outcome, std::string_view metadata, int times = 1,
              std::string_view ago = "1 hour", std::string_view target = "t") const {
    static int seq = 1'000'000;
    Fixture::sql("SELECT audit.ensure_partition(now() - interval '" + std::string(ago) + "')");
    Fixture::sql(
        "INSERT INTO audit_logs (agent_id, client_id, action_type, target, metadata, "
        "created_at, actor_type, actor_id, outcome, seq, prev_hash, hash) "
        "SELECT '" +
        id + "', '" + client.client_id + "', 'api_call', '" + std::string(target) + "', '" +
        std::string(metadata) + "', now() - interval '" + std::string(ago) +
        "' - n * interval '1 second' - " + std::to_string(seq) +
        " * interval '1 microsecond', 'agent', '" + id + "', '" + std::string(outcome) + "', " +
        std::to_string(seq) +
        " + n, '\\x00', '\\x00' "
        "FROM generate_series(0, " +
        std::to_string(times - 1) + ") n");
    seq += times;
  }
  static std::string gmail(std::string_view rule, std::string_view scope,
                           std::string_view more = "") {
    return R"({"host": "gmail.googleapis.com", "port": 443, "tls": true, "method": "POST", "rule": ")" +
           std::string(rule) + R"(", "scope": ")" + std::string(scope) +
           R"(", "path": "/gmail/v1/users/me/messages/send")" + std::string(more) + "}";
  }

  Fixture api;
  Client client;
  std::string id;
};

TEST_F(PolicyApi, ExplainsBeforeAndAfterAChange) {
  auto answer = explain("GET", "https://gmail.googleapis.com/gmail/v1/users/me/messages");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.string_at("verdict"), "allowed");
  EXPECT_EQ(answer.string_at("rule"), "gmail/read");
  EXPECT_EQ(answer.at("limits", "maxPerHour").to_number<int>(), 7);
  EXPECT_FALSE(answer.at("limits", "default").as_bool());

  answer = explain("POST", "https://gmail.googleapis.com/gmail/v1/users/me/messages/send");
  EXPECT_EQ(answer.string_at("missingScope"), "email:send");
  client.send(
      http::Method::kPatch, path(""),
      json::parse(R"({"permissions": {"scopes": ["email:send"], "approval": ["email:send"]}})"));
  answer = explain("POST", "https://gmail.googleapis.com/gmail/v1/users/me/messages/send");
  EXPECT_EQ(answer.string_at("verdict"), "allowed");
  EXPECT_TRUE(answer.at("approval").as_bool());
}

TEST_F(PolicyApi, ExplainPointsAtWhatIsWrong) {
  EXPECT_EQ(pointers_of(explain("GET", "gmail.googleapis.com")), "/url");
  EXPECT_EQ(pointers_of(explain("NO METHOD", "https://api.example.com/")), "/method");
  EXPECT_EQ(
      pointers_of(client.post(path("/policy/explain"), {{"methode", "GET"}, {"method", "GET"}})),
      "/url /methode");
}

TEST_F(PolicyApi, SuggestsTheNarrowestChangeAndApplyingItWorks) {
  record("denied",
         gmail("gmail/send", "email:send",
               R"(, "layer": "scope", "missingScope": "email:send", "reason": "r")"),
         5);
  record("denied", R"({"layer": "domain", "reason": "r"})", 2, "2 hours", "api.other.com:8443");
  record("denied", R"({"layer": "dns", "reason": "r"})", 1, "3 hours", "api.third.com");
  record("denied", R"({"host": "gmail.googleapis.com", "port": 443, "tls": true, "method": "POST",
      "rule": "gmail/batch", "layer": "service", "reason": "a batch hides", "path": "/batch"})");
  record("denied", gmail("gmail/send", "email:send", R"(, "layer": "secrets")"), 9);
  record("denied", R"({"layer": "domain", "reason": "r"})", 3, "40 days", "long.ago.com");
  auto answer = client.get(path("/suggestions"));
  ASSERT_EQ(answer.status, 200) << answer.text;
  const auto& items = answer.at("items").get_array();
  ASSERT_THAT(items, SizeIs(3)) << answer.text;
  EXPECT_EQ(items[0].at("id").as_string(), "scope:email:send");
  EXPECT_EQ(items[0].at("count").to_number<int>(), 5);
  EXPECT_THAT(std::string(items[0].at("example").as_string()), HasSubstr("/messages/send"));
  EXPECT_EQ(items[1].at("id").as_string(), "domain:api.other.com:8443");
  EXPECT_EQ(items[2].at("id").as_string(), "domain:api.third.com");
  EXPECT_EQ(json::serialize(items[1].at("patch")),
            R"([{"op":"add","path":"/allowedDomains/-","value":"api.other.com:8443"}])");
  const auto& never = answer.at("notGrantable").get_array();
  ASSERT_THAT(never, SizeIs(1));
  EXPECT_EQ(never[0].at("rule").as_string(), "gmail/batch");

  const json::object body{{"permissions", items[0].at("permissions")}};
  ASSERT_EQ(client.send(http::Method::kPatch, path(""), body).status, 202);
  answer = client.get(path("/suggestions"));
  EXPECT_THAT(answer.at("items").get_array(), SizeIs(2)) << "what is granted is suggested no more";
}

TEST_F(PolicyApi, ReplayTellsWhatADraftWouldHaveChanged) {
  record("success", gmail("gmail/read", "email:read"), 10);
  record("success", gmail("gmail/send", "email:send"), 4);
  record("denied", gmail("gmail/send", "email:send", R"(, "layer": "scope")"), 3);
  record("failure", R"({"host": "api.example.com", "port": 443, "tls": true, "method": "GET",
      "rule": "domain:api.example.com", "scope": "api:outbound", "path": "/x"})",
         2);
  record("success", R"({"intent": "1-1", "status": 200})", 7);
  const auto answer = replay(R"({"scopes": ["email:read"], "rateLimits":
      {"email:read": {"maxPerHour": 3}}})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_TRUE(answer.at("complete").as_bool());
  EXPECT_EQ(answer.at("counts", "examined").to_number<int>(), 19);
  EXPECT_EQ(answer.at("counts", "stillAllowed").to_number<int>(), 10);
  EXPECT_EQ(answer.at("counts", "stillDenied").to_number<int>(), 3);
  EXPECT_EQ(answer.at("counts", "newlyDenied").to_number<int>(), 6);
  EXPECT_EQ(answer.at("newlyDenied").get_array().at(0).at("rule").as_string(), "gmail/send");
  EXPECT_THAT(answer.at("newlyAllowed").get_array(), IsEmpty());
  const auto& limits = answer.at("rateLimits").get_array();
  ASSERT_THAT(limits, SizeIs(1));
  EXPECT_EQ(limits[0].at("attempts").to_number<int>(), 10);
  EXPECT_EQ(limits[0].at("refused").to_number<int>(), 7);
  EXPECT_FALSE(limits[0].at("firstRefusedAt").is_null());

  const auto wide = replay(R"({"scopes": ["email:read", "email:send"]})");
  EXPECT_EQ(wide.at("counts", "newlyAllowed").to_number<int>(), 3);
  EXPECT_EQ(wide.at("rateLimits").get_array().at(0).at("refused").to_number<int>(), 0);
}

TEST_F(PolicyApi, AReplaysDraftIsCheckedLikeAChange) {
  EXPECT_EQ(pointers_of(replay(R"({"scopes": ["email:reed"], "allowedDomains": ["*"]})")),
            "/permissions/scopes/0 /permissions/allowedDomains/0");
  EXPECT_EQ(pointers_of(client.post(path("/policy/replay"), {{"draft", 1}})),
            "/permissions /draft");
}

TEST_F(PolicyApi, AnotherClientsAgentIsNotThere) {
  record("denied", R"({"layer": "domain", "reason": "r"})", 2, "1 hour", "api.other.com");
  Client other(api);
  other.sign_up("eve@example.com", "Evil");
  EXPECT_EQ(other.get(path("/suggestions")).status, 404);
  EXPECT_EQ(
      other.post(path("/policy/explain"), {{"method", "GET"}, {"url", "https://a.example.com"}})
          .status,
      404);
  EXPECT_EQ(other.post(path("/policy/replay"), {{"permissions", json::parse(R"({"scopes": []})")}})
                .status,
            404);
}

TEST_F(PolicyApi, AViewerMayAskAndAnAnonymousMayNot) {
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(client.get(path("/suggestions")).status, 200);
  EXPECT_EQ(explain("GET", "https://api.example.com/").status, 200);
  Client anyone(api);
  EXPECT_EQ(anyone.get(path("/suggestions")).status, 401);
}

TEST_F(PolicyApi, AChangeOfPermissionsIsAuditedWithItsDifference) {
  client.send(http::Method::kPatch, path(""),
              json::parse(R"({"permissions": {"scopes": ["email:read", "files:read"],
                  "allowedDomains": ["api.example.com"], "maxDailyTokenSpend": 1.5}})"));
  const auto diff = json::parse(Fixture::sql(
      "SELECT metadata ->> 'diff' FROM audit_logs WHERE action_type = 'agent_updated'"));
  EXPECT_EQ(json::serialize(diff.at("scopes")),
            R"({"added":["files:read"],"removed":["api:outbound"]})");
  EXPECT_EQ(diff.at("rateLimits").at("email:read").at("to"), json::value(nullptr));
  EXPECT_TRUE(diff.at("maxDailyTokenSpend").at("from").is_null());
  EXPECT_FALSE(diff.as_object().contains("allowedDomains"));
}

}  // namespace
}  // namespace deployclaw::api
