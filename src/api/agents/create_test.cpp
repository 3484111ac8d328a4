#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class CreateAgent : public ::testing::Test {
 protected:
  CreateAgent() : client(api) { client.sign_up("ada@example.com"); }
  static std::string agents() { return Fixture::sql("SELECT count(*) FROM agents"); }
  static std::string made() {
    return Fixture::sql(
        "SELECT (SELECT count(*) FROM agents) + (SELECT "
        "count(*) FROM deployments) + (SELECT count(*) FROM agent_credentials)");
  }

  Fixture api;
  Client client;
};

TEST_F(CreateAgent, StoresTheWishQueuesADeploymentAndRecordsIt) {
  const auto answer = client.post("/api/agents", agent_body("Helper"));
  ASSERT_EQ(answer.status, 202) << answer.text;
  const auto id = answer.string_at("agent", "id");
  EXPECT_EQ(answer.headers.get("location"), "/api/agents/" + id);
  EXPECT_TRUE(answer.headers.get("etag"));
  EXPECT_EQ(answer.string_at("agent", "status"), "provisioning");
  EXPECT_EQ(answer.string_at("agent", "deployment", "state"), "queued");
  EXPECT_EQ(answer.at("agent", "resources", "memoryMb").to_number<int>(), 32);
  EXPECT_EQ(Fixture::sql("SELECT kind || ' ' || generation || ' ' || (spec ->> 'runtime') "
                         "FROM deployments"),
            "create 1 probe");
  EXPECT_EQ(Fixture::sql("SELECT actor_id || ' ' || target || ' ' || outcome FROM audit_logs "
                         "WHERE action_type = 'agent_created' AND agent_id = '" +
                         id + "'"),
            client.user_id + " Helper success");
  const auto shown = client.get("/api/agents/" + id);
  // The record of the creation came after the answer was made.
  EXPECT_EQ(shown.string_at("agent", "lastAction", "action"), "agent_created");
  auto without_record = shown.body;
  without_record.at("agent").at("lastAction") = nullptr;
  EXPECT_EQ(without_record, answer.body);
  EXPECT_EQ(shown.headers.get("etag"), answer.headers.get("etag"));
}

TEST_F(CreateAgent, MayBeStoredWithoutBeingDeployed) {
  const auto answer =
      client.post("/api/agents", agent_body("later", R"({"desiredState": "stopped"})"));
  ASSERT_EQ(answer.status, 202);
  EXPECT_EQ(answer.string_at("agent", "status"), "stopped");
  EXPECT_TRUE(answer.at("agent", "deployment").is_null());
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM deployments"), "0");
}

TEST_F(CreateAgent, EveryMistakeIsPointedAtAndNothingIsMade) {
  const struct {
    const char* more;
    const char* pointers;
  } kCases[] = {
      {R"({"name": ""})", "/name"},
      {R"({"name": "a\nb"})", "/name"},
      {R"({"name": 5})", "/name"},
      {R"({"name": null})", "/name"},
      {R"({"runtime": "no-such"})", "/runtime"},
      {R"({"runtime": 1})", "/runtime"},
      {R"({"permissions": {"scopes": ["root"]}})", "/permissions/scopes/0"},
      {R"({"permissions": {"scopes": [], "allowedDomains": ["*.com", "1.2.3.4"]}})",
       "/permissions/allowedDomains/0 /permissions/allowedDomains/1"},
      {R"({"resources": {"memoryMb": 5}})", "/resources/memoryMb"},
      {R"({"resources": {"cpus": 1e300}})", "/resources/cpus"},
      {R"({"resources": []})", "/resources"},
      {R"({"config": []})", "/config"},
      {R"({"config": {"gatewayToken": "mine"}})", "/config/gatewayToken"},
      {R"({"config": {"x": {"$sealed": true}}})", "/config/x"},
      {R"({"desiredState": "deleted"})", "/desiredState"},
      {R"({"status": "running"})", "/status"},
      {R"({"clientId": "3b241101-e2bb-4255-8caf-4136c566a962"})", "/clientId"},
      {R"({"credentials": [{"name": "a", "value": "value-v1", "kind": "nope"}]})",
       "/credentials/0/kind"},
      {R"({"credentials": [{"name": "a", "value": "line\nline", "kind": "openai"}]})",
       "/credentials/0/value"},
      {R"({"credentials": [5]})", "/credentials/0"},
  };
  for (const auto& bad : kCases) {
    const auto answer = client.post("/api/agents", agent_body("fine", bad.more));
    EXPECT_EQ(answer.status, 422) << bad.more << answer.text;
    EXPECT_EQ(pointers_of(answer), bad.pointers) << bad.more;
    EXPECT_EQ(answer.code(), "validation_failed") << bad.more;
  }
  EXPECT_EQ(pointers_of(client.post("/api/agents", json::object())), "/name /runtime /permissions");
  for (const char* malformed :
       {"", "{", "[]", "{\"name\":\"a\",\"name\":\"b\"}", "{\"a\":\"\xff\"}", "nul"}) {
    const auto answer = client.send_raw(http::Method::kPost, "/api/agents", malformed,
                                        {{"Content-Type", "application/json"}});
    EXPECT_GE(answer.status, 400) << malformed;
    EXPECT_LT(answer.status, 500) << malformed;
  }
  EXPECT_EQ(made(), "0");
}

TEST_F(CreateAgent, NamesAreUniqueWithinTheClientWhateverTheirCase) {
  deploy(client, "Helper");
  const auto again = client.post("/api/agents", agent_body("  hELPER "));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "name_taken");
  EXPECT_EQ(agents(), "1");
  Client other(api);
  other.sign_up("bob@example.com", "Other");
  deploy(other, "Helper");
}

TEST_F(CreateAgent, HostileNamesAreKeptAsText) {
  const std::string name = "\"'; DROP TABLE agents; -- <script>${HOME}";
  const auto id = deploy(client, name);
  EXPECT_EQ(client.get("/api/agents/" + id).string_at("agent", "name"), name);
}

TEST_F(CreateAgent, ParallelDeploysCannotOutrunThePlan) {
  std::vector<Answer> answers;
  std::vector<Answer> more;
  // One body each is needed, since names are unique: an Idempotency-Key is not sent.
  for (int i = 0; i < 2; ++i) deploy(client, "agent " + std::to_string(i));
  answers = client.send_at_once(6, http::Method::kPost, "/api/agents", agent_body("last"));
  int accepted = 0;
  for (const auto& answer : answers) accepted += answer.status == 202 ? 1 : 0;
  EXPECT_EQ(accepted, 1);
  const auto refused = client.post("/api/agents", agent_body("one too many"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "plan_limit_reached");
  EXPECT_EQ(agents(), "3");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM deployments"), "3");
}

TEST_F(CreateAgent, SecretsInTheConfigAreSealedAndNeverShown) {
  const std::string secret = "s3cr3t-value-in-config";
  const auto answer =
      client.post("/api/agents",
                  agent_body("sealed", R"({"config": {"plain": "p", "channels": [{"botToken": ")" +
                                           secret + R"("}]}})"));
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_THAT(answer.text, Not(HasSubstr(secret)));
  EXPECT_THAT(answer.text, HasSubstr(R"({"botToken":{"$sealed":true}})"));
  EXPECT_THAT(client.get("/api/agents").text, Not(HasSubstr("ciphertext")));
  const auto everything = Fixture::sql(
      "SELECT string_agg(t, '') FROM (SELECT a::text t FROM agents a UNION ALL SELECT d::text FROM "
      "deployments d UNION ALL SELECT l::text FROM audit_logs l UNION ALL SELECT i::text FROM "
      "idempotency_keys i) x");
  EXPECT_THAT(everything, Not(HasSubstr(secret)));

  // The vault opens it in this place, under the pointer as its name, and in no other.
  const auto sealed =
      json::parse(Fixture::sql("SELECT config #> '{channels,0,botToken,$sealed}' FROM agents"))
          .as_object();
  const auto salt = hex_decode(Fixture::sql("SELECT encode(vault_salt, 'hex') FROM clients"));
  vault::SealContext context{.client = *ClientId::parse(client.client_id),
                             .client_salt = *salt,
                             .agent = *AgentId::parse(answer.string_at("agent", "id")),
                             .name = "/channels/0/botToken",
                             .purpose = vault::kConfig};
  auto opened = api.run(api.vault.open(context, sealed));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->expose_text(), secret);
  context.name = "/channels/1/botToken";
  EXPECT_FALSE(api.run(api.vault.open(context, sealed)));
}

TEST_F(CreateAgent, CredentialsComeWithItInOneTransaction) {
  const auto answer = client.post("/api/agents", agent_body("with", R"({"credentials": [
      {"name": "openai", "kind": "openai", "value": "sk-real-value"},
      {"name": "own", "value": "value-v1", "hosts": ["api.example.com"]}]})"));
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(Fixture::sql("SELECT string_agg(name || ':' || kind, ' ' ORDER BY name) "
                         "FROM agent_credentials"),
            "openai:openai own:generic");
  EXPECT_EQ(
      Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'credential_created'"),
      "2");
}

TEST_F(CreateAgent, WithoutTheVaultNothingIsStored) {
  api.vault.set_down(true);
  const auto answer =
      client.post("/api/agents", agent_body("sealed", R"({"config": {"token": "t"}})"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(made(), "0");
}

TEST_F(CreateAgent, NeedsAFreshSecondFactor) {
  api.clock.advance(std::chrono::minutes(11));
  const auto answer = client.post("/api/agents", agent_body("stale"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code(), "two_factor_required");
  EXPECT_EQ(made(), "0");
}

TEST_F(CreateAgent, RolesBound) {
  const auto with_credential =
      agent_body("c", R"({"credentials": [{"name": "o", "kind": "openai", "value": "value-v1"}]})");
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(client.post("/api/agents", agent_body("v")).code(), "role_insufficient");
  Fixture::sql("UPDATE users SET role = 'member'");
  EXPECT_EQ(client.post("/api/agents", with_credential).code(), "role_insufficient");
  EXPECT_EQ(client.post("/api/agents", agent_body("m")).status, 202);
  Fixture::sql("UPDATE users SET role = 'admin'");
  EXPECT_EQ(client.post("/api/agents", with_credential).status, 202);
}

TEST_F(CreateAgent, AnIdempotencyKeyDeploysOnce) {
  const auto first = client.post("/api/agents", agent_body("once"), {{"Idempotency-Key", "k1"}});
  const auto second = client.post("/api/agents", agent_body("once"), {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(agents(), "1");
  EXPECT_EQ(client.post("/api/agents", agent_body("twice"), {{"Idempotency-Key", "k1"}}).status,
            422);
}

TEST(CreateAgentForReal, TestRuntimesAreRefusedUnlessTheOperatorAllowsThem) {
  auto config = Fixture::test_config();
  config.allow_test_runtimes = false;
  Fixture api(config);
  Client client(api);
  client.sign_up("ada@example.com");
  EXPECT_EQ(pointers_of(client.post("/api/agents", agent_body("probe"))), "/runtime");
  EXPECT_THAT(client.get("/api/runtimes").text, Not(HasSubstr("probe")));
  const auto real = client.post("/api/agents", agent_body("claw", R"({"runtime": "openclaw"})"));
  ASSERT_EQ(real.status, 202) << real.text;
  EXPECT_EQ(real.at("agent", "resources", "memoryMb").to_number<int>(), 2048);
}

}  // namespace
}  // namespace deployclaw::api
