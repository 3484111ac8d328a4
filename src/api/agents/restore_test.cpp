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

class RestoreDeployment : public ::testing::Test {
 protected:
  RestoreDeployment() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "Helper", R"({"config": {"a": 1, "token": "first-secret",
      "channels": [{"botToken": "bot-secret"}]}})");
    settle();
    first = newest_deployment(id);
  }
  std::string path() const { return "/api/agents/" + id; }
  std::string restore_path(const std::string& deployment) const {
    return path() + "/deployments/" + deployment + "/restore";
  }
  Answer restore(const std::string& deployment, Client::Fields extra = {}) {
    return client.post(restore_path(deployment), json::object(), std::move(extra));
  }
  void change(std::string_view body) {
    const auto answer = client.send(http::Method::kPatch, path(), json::parse(body));
    ASSERT_EQ(answer.status, 202) << answer.text;
    settle();
  }
  // A change of everything.
  void change_all() {
    change(R"({"name": "Renamed", "config": {"a": 2, "token": "second-secret", "more": true},
      "permissions": {"scopes": ["api:outbound"], "allowedDomains": ["example.com"]},
      "resources": {"pids": 20}})");
  }
  // Puts `value` at `place` of what was deployed first: history that today's rules do not know.
  void alter(const std::string& place, const std::string& value) {
    Fixture::sql("UPDATE deployments SET spec = jsonb_set(spec, '" + place + "', '" + value +
                 "') WHERE id = '" + first + "'");
  }
  // The agent's value at `pointer` in its config, opened as the orchestrator would.
  std::string opened(std::string pointer, const std::string& place) {
    const auto sealed = json::parse(Fixture::sql("SELECT config #> '" + place + "' FROM agents"));
    const auto salt = hex_decode(Fixture::sql("SELECT encode(vault_salt, 'hex') FROM clients"));
    vault::SealContext context{.client = *ClientId::parse(client.client_id),
                               .client_salt = *salt,
                               .agent = *AgentId::parse(id),
                               .name = std::move(pointer),
                               .purpose = vault::kConfig};
    const auto value = api.run(api.vault.open(std::move(context), sealed.as_object()));
    return value ? std::string(value->expose_text()) : value.error().message;
  }
  std::string token() { return opened("/token", "{token,$sealed}"); }
  std::string bot_token() {
    return opened("/channels/0/botToken", "{channels,0,botToken,$sealed}");
  }
  static std::string agent() {
    return Fixture::sql(
        "SELECT jsonb_build_array(name, runtime_version, generation, config, permissions, "
        "resources) FROM agents ORDER BY created_at LIMIT 1");
  }
  static std::string restorings() {
    return Fixture::sql("SELECT count(*) FROM audit_logs WHERE metadata ? 'restoredFrom'");
  }

  Fixture api;
  Client client;
  std::string id;
  std::string first;
};

TEST_F(RestoreDeployment, PutsBackAllButTheName) {
  const auto before = client.get(path());
  change_all();
  const auto answer = restore(first);
  ASSERT_EQ(answer.status, 202) << answer.text;
  for (const char* part : {"runtimeVersion", "config", "permissions", "resources"}) {
    EXPECT_EQ(answer.at("agent", part), before.at("agent", part)) << part;
  }
  EXPECT_EQ(answer.string_at("agent", "name"), "Renamed");
  EXPECT_EQ(answer.string_at("agent", "status"), "provisioning");
  EXPECT_EQ(answer.headers.get("etag"), client.get(path()).headers.get("etag"));
  EXPECT_EQ(deployments(), "create:live@1 update:live@2 update:queued@3");
  EXPECT_EQ(Fixture::sql("SELECT spec #>> '{config,a}' FROM deployments WHERE state = 'queued'"),
            "1");
}

TEST_F(RestoreDeployment, SecretsAreCarriedOverAndNeverShown) {
  change_all();
  EXPECT_EQ(token(), "second-secret");
  const auto answer = restore(first);
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(token(), "first-secret");
  EXPECT_EQ(bot_token(), "bot-secret");
  EXPECT_THAT(answer.text, Not(HasSubstr("ciphertext")));
  const auto everything = Fixture::sql(
      "SELECT string_agg(t, '') FROM (SELECT a::text t FROM agents a UNION ALL SELECT d::text FROM "
      "deployments d UNION ALL SELECT l::text FROM audit_logs l) x");
  for (const char* secret : {"first-secret", "second-secret", "bot-secret"}) {
    EXPECT_THAT(answer.text, Not(HasSubstr(secret)));
    EXPECT_THAT(everything, Not(HasSubstr(secret)));
  }
}

TEST_F(RestoreDeployment, SecretsUnderAnOlderKeyAreSealedAnewUnderTheNewest) {
  change_all();
  api.vault.rotate();
  ASSERT_EQ(restore(first).status, 202);
  EXPECT_EQ(Fixture::sql("SELECT config #>> '{token,$sealed,keyVersion}' FROM agents"), "2");
  EXPECT_EQ(token(), "first-secret");
  EXPECT_EQ(bot_token(), "bot-secret");
}

TEST_F(RestoreDeployment, WhatTheAgentHasAlreadyIsNoChange) {
  api.vault.rotate();
  const auto before = agent();
  EXPECT_EQ(restore(first).status, 202);
  EXPECT_EQ(agent(), before);
  EXPECT_EQ(deployments(), "create:live@1");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'agent_updated'"),
            "0");
}

TEST_F(RestoreDeployment, PermissionsAloneNeedNoNewContainer) {
  change(R"({"permissions": {"scopes": ["api:outbound"]}})");
  const auto answer = restore(first);
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(answer.at("agent", "permissions", "scopes"), json::parse(R"(["email:read"])"));
  EXPECT_EQ(deployments(), "create:live@1");
  EXPECT_EQ(restorings(), "1");
}

TEST_F(RestoreDeployment, AStoppedAgentHasItAtItsNextStart) {
  change_all();
  client.post(path() + "/stop");
  ASSERT_EQ(restore(first).status, 202);
  EXPECT_EQ(Fixture::sql("SELECT generation || desired_state FROM agents"), "3stopped");
  EXPECT_EQ(deployments(), "create:live@1 update:live@2");
  ASSERT_EQ(client.post(path() + "/start").status, 202);
  EXPECT_EQ(Fixture::sql("SELECT spec #>> '{config,a}' FROM deployments WHERE state = 'queued'"),
            "1");
}

TEST_F(RestoreDeployment, TheAuditLogTellsWhatChangedAndFromWhere) {
  change_all();
  ASSERT_EQ(restore(first).status, 202);
  const auto metadata = json::parse(Fixture::sql(
      "SELECT metadata FROM audit_logs WHERE action_type = 'agent_updated' AND metadata ? "
      "'restoredFrom'"));
  EXPECT_EQ(metadata.at("restoredFrom"), json::value(first));
  EXPECT_EQ(metadata.at("changed"), json::parse(R"(["config", "permissions", "resources"])"));
  EXPECT_EQ(metadata.at("generation").to_number<int>(), 3);
  EXPECT_EQ(metadata.at("permissions").at("scopes"), json::parse(R"(["email:read"])"));
  EXPECT_THAT(json::serialize(metadata.at("diff")), HasSubstr("api:outbound"));
  EXPECT_EQ(metadata.as_object().size(), 5U);
}

TEST_F(RestoreDeployment, ARepeatedKeyRestoresOnce) {
  change_all();
  const auto once = restore(first, {{"Idempotency-Key", "k1"}});
  const auto again = restore(first, {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(again.text, once.text);
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(restorings(), "1");
}

TEST_F(RestoreDeployment, TodaysRulesHold) {
  change_all();
  const auto before = agent();
  const auto history = Fixture::sql("SELECT spec FROM deployments WHERE id = '" + first + "'");
  for (const auto& [place, value, pointer] :
       std::vector<std::tuple<const char*, const char*, const char*>>{
           {"{runtimeVersion}", R"("0")", "/runtimeVersion"},
           {"{permissions,scopes}", R"(["email:read", "no:more"])", "/permissions/scopes/1"},
           {"{permissions}", "{}", "/permissions/scopes"},
           {"{resources,memoryMb}", "1", "/resources/memoryMb"},
           {"{config,gatewayToken}", R"("mine")", "/config/gatewayToken"}}) {
    alter(place, value);
    const auto answer = restore(first);
    EXPECT_EQ(answer.status, 422) << place << answer.text;
    EXPECT_EQ(pointers_of(answer), pointer);
    Fixture::sql("UPDATE deployments SET spec = '" + history + "' WHERE id = '" + first + "'");
  }
  EXPECT_EQ(agent(), before);
  EXPECT_EQ(restorings(), "0");
  EXPECT_EQ(restore(first).status, 202) << "as it was";
}

TEST_F(RestoreDeployment, AStringThatCountsAsSecretByNowIsSealed) {
  change_all();
  alter("{config,password}", R"("once-in-the-open")");
  const auto answer = restore(first);
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_THAT(answer.text, Not(HasSubstr("once-in-the-open")));
  EXPECT_EQ(opened("/password", "{password,$sealed}"), "once-in-the-open");
}

TEST_F(RestoreDeployment, AValueThatCannotBeOpenedIsPointedAt) {
  change_all();
  const auto before = agent();
  alter("{config,token,$sealed,keyVersion}", "9");
  const auto retired = restore(first);
  EXPECT_EQ(retired.status, 422) << retired.text;
  EXPECT_EQ(pointers_of(retired), "/config/token");
  EXPECT_THAT(retired.text, HasSubstr("can no longer be opened; give it anew in Settings"));
  EXPECT_THAT(retired.text, Not(HasSubstr("key ring")));
  alter("{config,channels,0,botToken,$sealed,tag}", R"("AAAAAAAAAAAAAAAAAAAAAA==")");
  EXPECT_EQ(pointers_of(restore(first)), "/config/channels/0/botToken /config/token");
  EXPECT_EQ(agent(), before);
}

TEST_F(RestoreDeployment, WithoutTheVaultNothingIsRestored) {
  change_all();
  const auto before = agent();
  api.vault.set_down(true);
  EXPECT_EQ(restore(first).status, 503);
  EXPECT_EQ(agent(), before);
  api.vault.set_down(false);
  EXPECT_EQ(restore(first).status, 202);
}

TEST_F(RestoreDeployment, IfMatchRefusesToUndoAnothersChange) {
  const std::string tag(*client.get(path()).headers.get("etag"));
  change_all();
  EXPECT_EQ(restore(first, {{"If-Match", tag}}).status, 412);
  EXPECT_EQ(restorings(), "0");
  const std::string present(*client.get(path()).headers.get("etag"));
  EXPECT_EQ(restore(first, {{"If-Match", present}}).status, 202);
}

TEST_F(RestoreDeployment, WhatIsNotTheAgentsIsNotThere) {
  const auto second = deploy(client, "Second");
  for (const std::string& unknown :
       {newest_deployment(second), std::string("3b241101-e2bb-4255-8caf-4136c566a962"),
        std::string("nonsense")}) {
    EXPECT_EQ(restore(unknown).status, 404) << unknown;
  }
  Client other(api);
  other.sign_up("eve@example.com", "Eve");
  EXPECT_EQ(other.post(restore_path(first)).status, 404);
  const auto hers = deploy(other, "Hers");
  EXPECT_EQ(other.post("/api/agents/" + hers + "/deployments/" + first + "/restore").status, 404);
  EXPECT_EQ(restorings(), "0");
}

TEST_F(RestoreDeployment, NeedsARoleAndAFreshSecondFactor) {
  change_all();
  Fixture::sql("UPDATE users SET role = 'viewer'");
  const auto refused = restore(first);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "role_insufficient");
  Fixture::sql("UPDATE users SET role = 'member'");
  api.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(restore(first).code(), "two_factor_required");
  EXPECT_EQ(restorings(), "0");
  client.step_up();
  EXPECT_EQ(restore(first).status, 202);
}

TEST_F(RestoreDeployment, TakesNoBodyAndNoAgentThatIsBeingDeleted) {
  change_all();
  EXPECT_EQ(pointers_of(client.post(restore_path(first), json::parse(R"({"name": "x"})"))),
            "/name");
  EXPECT_EQ(client.send(http::Method::kPost, restore_path(first)).status, 202) << "no body at all";
  client.del(path());
  EXPECT_EQ(restore(first).code(), "agent_deleting");
}

}  // namespace
}  // namespace deployclaw::api
