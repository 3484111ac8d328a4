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
using ::testing::StartsWith;

class Credentials : public ::testing::Test {
 protected:
  Credentials() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "Helper");
  }
  std::string path(std::string tail = "") const {
    return "/api/agents/" + id + "/credentials" + tail;
  }
  Answer add(std::string_view body) { return client.post(path(), json::parse(body)); }
  Answer put(std::string name, std::string_view body) {
    return client.send(http::Method::kPut, path("/" + name), json::parse(body));
  }
  std::string opened(std::string name, const std::string& column = "encrypted",
                     const char* purpose = vault::kCredential) {
    const auto sealed =
        json::parse(Fixture::sql("SELECT " + column + " FROM agent_credentials WHERE name = '" +
                                 name + "'"))
            .as_object();
    const auto salt = hex_decode(Fixture::sql("SELECT encode(vault_salt, 'hex') FROM clients"));
    vault::SealContext context{.client = *ClientId::parse(client.client_id),
                               .client_salt = *salt,
                               .agent = *AgentId::parse(id),
                               .name = name,
                               .purpose = purpose};
    const auto value = api.run(api.vault.open(context, sealed));
    return value ? std::string(value->expose_text()) : "does not open: " + value.error().message;
  }
  Fixture api;
  Client client;
  std::string id;
};

TEST_F(Credentials, AreSealedAndNeverShown) {
  const std::string secret = "sk-live-do-not-show-me";
  const auto answer = add(R"({"name": "OPENAI", "kind": "openai", "value": ")" + secret + "\"}");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_EQ(answer.headers.get("location"), path("/OPENAI"));
  const auto listed = client.get(path());
  ASSERT_EQ(listed.at("items").get_array().size(), 1U);
  EXPECT_EQ(json::serialize(listed.at("items").get_array()[0].at("hosts")),
            R"(["api.openai.com"])");
  const auto placeholder = Fixture::sql("SELECT placeholder FROM agent_credentials");
  EXPECT_THAT(placeholder, StartsWith("sk-"));
  for (const auto& text : {answer.text, listed.text, client.get("/api/audit").text,
                           Fixture::sql("SELECT string_agg(c::text, '') FROM agent_credentials c"),
                           Fixture::sql("SELECT string_agg(c::text, '') FROM audit_logs c")}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(listed.text, Not(HasSubstr(placeholder)));
  EXPECT_EQ(opened("OPENAI"), secret);
}

TEST_F(Credentials, TheSameNameAgainIsAConflictAndPutReplaces) {
  ASSERT_EQ(add(R"({"name": "key", "value": "value-one", "hosts": ["api.example.com"]})").status,
            201);
  EXPECT_EQ(add(R"({"name": "key", "value": "value-two", "hosts": ["api.example.com"]})").code(),
            "credential_exists");
  const auto placeholder = Fixture::sql("SELECT placeholder FROM agent_credentials");
  const auto replaced = put("key", R"({"value": "value-three"})");
  ASSERT_EQ(replaced.status, 200) << replaced.text;
  EXPECT_EQ(opened("key"), "value-three");
  EXPECT_EQ(Fixture::sql("SELECT placeholder FROM agent_credentials"), placeholder)
      << "the agent need not know";
  EXPECT_EQ(Fixture::sql("SELECT hosts[1] FROM agent_credentials"), "api.example.com");
  ASSERT_EQ(put("key", R"({"value": "value-four", "hosts": ["other.example.com"]})").status, 200);
  EXPECT_EQ(Fixture::sql("SELECT hosts[1] FROM agent_credentials"), "other.example.com");
  EXPECT_EQ(pointers_of(put("key", R"({"value": "value-x1", "kind": "openai"})")), "/kind");
  EXPECT_EQ(put("nope", R"({"value": "value-x1"})").status, 404);
}

TEST_F(Credentials, MistakesArePointedAtWithoutQuotingTheValue) {
  for (
      const auto& [body, pointer] : std::vector<std::pair<std::string, const char*>>{
          {R"({"value": "value-v1", "kind": "openai"})", "/name"},
          {R"({"name": "a/b", "value": "value-v1", "kind": "openai"})", "/name"},
          {R"({"name": "a", "kind": "openai"})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": ""})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": "secret7"})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": "secret\r\nX: y"})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": 5})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": "secsecsecsec"})", "/value"},
          {R"({"name": "a", "kind": "openai", "value": "secret-value", "expiresAt": "soon"})",
           "/expiresAt"},
          {R"({"name": "a", "kind": "openai", "value": "secret-value", "expiresAt": "0001-01-01T00:00:00Z"})",
           "/expiresAt"},
          {R"({"name": "a", "kind": "nope", "value": "secret-value"})", "/kind"},
          {R"({"name": "a", "value": "secret-value"})", "/hosts"},
          {R"({"name": "a", "value": "secret-value", "hosts": ["*.com"]})", "/hosts/0"},
          {R"({"name": "a", "value": "secret-value", "hosts": ["169.254.169.254"]})", "/hosts/0"},
          {R"({"name": "a", "kind": "openai", "value": "secret-value", "hosts": ["evil.example.com"]})",
           "/hosts/0"},
          {R"({"name": "a", "kind": "openai", "value": "secret-value", "placeholder": "x"})",
           "/placeholder"}}) {
    const auto answer = add(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(pointers_of(answer), pointer) << body;
    EXPECT_THAT(answer.text, Not(HasSubstr("secret"))) << body;
  }
  EXPECT_EQ(
      add(R"({"name": "a", "kind": "openai", "value": ")" + std::string(8193, 'x') + "\"}").status,
      422);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "0");
}

constexpr const char* kGrant =
    R"("oauth": {"refreshToken": "1//secret-refresh", "clientId": "an-id", "clientSecret": "secret-of-client"})";

TEST_F(Credentials, ThatAreRenewedKeepTokenAndGrantInOneSealedValue) {
  const auto answer = add(R"({"name": "mail", "kind": "gmail", "value": "ya29.secret-token", )"
                          R"("expiresAt": "2030-01-01T01:00:00+01:00", )" +
                          std::string(kGrant) + "}");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_TRUE(answer.at("credential").at("renews").get_bool());
  EXPECT_EQ(answer.string_at("credential", "expiresAt"), "2030-01-01T00:00:00.000Z");
  EXPECT_EQ(Fixture::sql("SELECT encrypted IS NULL FROM agent_credentials"), "t");
  EXPECT_EQ(opened("mail", "oauth", vault::kOAuthGrant),
            R"({"clientId":"an-id","clientSecret":"secret-of-client",)"
            R"("refreshToken":"1//secret-refresh","accessToken":"ya29.secret-token"})");
  const auto listed = client.get(path());
  for (const auto& text : {answer.text, listed.text, client.get("/api/audit").text,
                           Fixture::sql("SELECT string_agg(c::text, '') FROM agent_credentials c"),
                           Fixture::sql("SELECT string_agg(c::text, '') FROM audit_logs c")}) {
    EXPECT_THAT(text, Not(HasSubstr("secret-")));
    EXPECT_THAT(text, Not(HasSubstr("an-id")));
  }
}

TEST_F(Credentials, WithAGrantTheFirstTokenMayBeLeftToThePlatform) {
  const auto answer = add(R"({"name": "mail", "kind": "gmail", )" + std::string(kGrant) + "}");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_TRUE(answer.at("credential").at("expiresAt").is_null());
  EXPECT_THAT(opened("mail", "oauth", vault::kOAuthGrant), Not(HasSubstr("accessToken")));
  // What a replacement does not have is gone.
  const auto replaced = put("mail", R"({"value": "ya29.fixed-token"})");
  ASSERT_EQ(replaced.status, 200) << replaced.text;
  EXPECT_FALSE(replaced.at("credential").at("renews").get_bool());
  EXPECT_EQ(opened("mail"), "ya29.fixed-token");
  EXPECT_EQ(Fixture::sql("SELECT oauth IS NULL FROM agent_credentials"), "t");
  const auto again = put("mail", "{" + std::string(kGrant) + "}");
  ASSERT_EQ(again.status, 200) << again.text;
  EXPECT_TRUE(again.at("credential").at("renews").get_bool());
}

TEST_F(Credentials, AnAgentIsDeployedWithAGrant) {
  id = deploy(
      client, "renewed",
      R"({"credentials": [{"name": "mail", "kind": "gmail", )" + std::string(kGrant) + "}]}");
  EXPECT_THAT(opened("mail", "oauth", vault::kOAuthGrant), HasSubstr("1//secret-refresh"));
}

TEST_F(Credentials, MistakesInAGrantArePointedAtWithoutQuotingIt) {
  const auto with = [](std::string_view kind, std::string_view oauth, std::string_view more = "") {
    return R"({"name": "a", "kind": ")" + std::string(kind) + R"(", "oauth": )" +
           std::string(oauth) + std::string(more) + "}";
  };
  const std::string good = R"({"refreshToken": "secret-refresh", "clientId": "secret-id"})";
  for (
      const auto& [body, pointer] : std::vector<std::pair<std::string, const char*>>{
          {with("openai", good), "/oauth"},
          {with("slack-app", good), "/oauth"},
          {with("gmail", "\"secret\""), "/oauth"},
          {with("gmail", "{}"), "/oauth/clientId /oauth/refreshToken"},
          {with("gmail", R"({"refreshToken": "secret7", "clientId": "i"})"), "/oauth/refreshToken"},
          {with("gmail", R"({"refreshToken": "sesesesesese", "clientId": "i"})"),
           "/oauth/refreshToken"},
          {with("gmail", R"({"refreshToken": "secret\u00fcrefresh", "clientId": "i"})"),
           "/oauth/refreshToken"},
          {with("gmail", R"({"refreshToken": "secret-refresh", "clientId": "secret\r\nid"})"),
           "/oauth/clientId"},
          {with("gmail", R"({"refreshToken": "secret-refresh", "clientId": 7})"),
           "/oauth/clientId"},
          {with(
               "gmail",
               R"({"refreshToken": "secret-refresh", "clientId": "i", "clientSecret": "ssssssss"})"),
           "/oauth/clientSecret"},
          {with(
               "gmail",
               R"({"refreshToken": "secret-refresh", "clientId": "i", "tokenUrl": "https://evil"})"),
           "/oauth/tokenUrl"},
          {with("gmail", good, R"(, "expiresAt": "2030-01-01T00:00:00Z")"), "/expiresAt"},
          {with("gmail", good, R"(, "value": "secret-t\u00f6ken")"), "/value"}}) {
    const auto answer = add(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(pointers_of(answer), pointer) << body;
    EXPECT_THAT(answer.text, Not(HasSubstr("secret"))) << body;
  }
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "0");
}

TEST_F(Credentials, KindsAreThoseOfTheServiceCatalogue) {
  const auto answer = client.get("/api/credential-kinds");
  ASSERT_EQ(answer.status, 200);
  std::string names;
  for (const auto& kind : answer.at("items").get_array()) {
    names += std::string(kind.at("name").get_string()) + " ";
    if (kind.at("name") == "telegram") {
      EXPECT_EQ(json::serialize(kind.at("hosts")), R"(["api.telegram.org"])");
      EXPECT_FALSE(kind.at("hostsRequired").get_bool());
      EXPECT_FALSE(kind.at("renewable").get_bool());
    }
    if (kind.at("name") == "gmail") {
      EXPECT_TRUE(kind.at("renewable").get_bool());
    }
  }
  EXPECT_THAT(names, HasSubstr("anthropic "));
  EXPECT_THAT(names, HasSubstr("twilio "));
  EXPECT_THAT(names, ::testing::EndsWith("generic generic-basic generic-query "));
}

TEST_F(Credentials, AreDestroyedOnDelete) {
  add(R"({"name": "key", "kind": "openai", "value": "value-v1"})");
  EXPECT_EQ(client.del(path("/key")).status, 204);
  EXPECT_EQ(client.del(path("/key")).status, 404);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "0");
  EXPECT_EQ(Fixture::sql(
                "SELECT string_agg(action_type || ':' || target, ' ' ORDER BY seq) FROM audit_logs "
                "WHERE action_type LIKE 'credential%'"),
            "credential_created:key credential_deleted:key");
}

TEST_F(Credentials, AnAgentWhoseConfigNamesPlaceholdersIsDeployedAnew) {
  add(R"({"name": "key", "kind": "openai", "value": "value-v1"})");
  EXPECT_EQ(Fixture::sql("SELECT generation FROM agents"), "1") << "the probe's config names none";
  id = deploy(client, "claw", R"({"runtime": "openclaw"})");
  add(R"({"name": "key", "kind": "openai", "value": "value-v1"})");
  EXPECT_EQ(Fixture::sql(
                "SELECT string_agg(state || generation, ' ' ORDER BY created_at) FROM deployments "
                "WHERE agent_id = '" +
                id + "'"),
            "cancelled1 queued2");
}

TEST_F(Credentials, NeedAnAdminAndAFreshSession) {
  Fixture::sql("UPDATE users SET role = 'member'");
  EXPECT_EQ(add(R"({"name": "key", "kind": "openai", "value": "value-v1"})").code(),
            "role_insufficient");
  EXPECT_EQ(client.get(path()).status, 200);
  Fixture::sql("UPDATE users SET role = 'owner'");
  api.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(add(R"({"name": "key", "kind": "openai", "value": "value-v1"})").code(),
            "two_factor_required");
}

TEST_F(Credentials, WithoutTheVaultNothingIsStored) {
  api.vault.set_down(true);
  EXPECT_EQ(add(R"({"name": "key", "kind": "openai", "value": "value-v1"})").status, 503);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "0");
}

}  // namespace
}  // namespace deployclaw::api
