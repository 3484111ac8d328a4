#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class ChangeAgent : public ::testing::Test {
 protected:
  ChangeAgent() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "Helper", R"({"config": {"a": 1, "token": "first-secret"}})");
  }
  std::string path(std::string tail = "") const { return "/api/agents/" + id + tail; }
  Answer patch(std::string_view body, Client::Fields extra = {}) {
    return client.send(http::Method::kPatch, path(), json::parse(body), std::move(extra));
  }

  Fixture api;
  Client client;
  std::string id;
};

TEST_F(ChangeAgent, ANameNeedsNoNewContainer) {
  settle();
  const auto answer = patch(R"({"name": "Other"})");
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(answer.string_at("agent", "name"), "Other");
  EXPECT_EQ(answer.string_at("agent", "status"), "running");
  EXPECT_EQ(deployments(), "create:live@1");
}

TEST_F(ChangeAgent, PermissionsTakeEffectWithoutANewContainer) {
  settle();
  const auto answer = patch(R"({"permissions": {"scopes": ["email:read", "api:outbound"]}})");
  ASSERT_EQ(answer.status, 202);
  EXPECT_EQ(deployments(), "create:live@1");
  EXPECT_THAT(
      Fixture::sql("SELECT metadata::text FROM audit_logs WHERE action_type = 'agent_updated'"),
      HasSubstr("api:outbound"));
}

TEST_F(ChangeAgent, PermissionsThatAlterTheStateMountNeedANewContainer) {
  settle();
  EXPECT_EQ(patch(R"({"permissions": {"scopes": ["files:read"]}})").status, 202);
  EXPECT_EQ(deployments(), "create:live@1 update:queued@2");
  settle();
  EXPECT_EQ(patch(R"({"permissions": {"scopes": ["files:read", "email:send"]}})").status, 202);
  EXPECT_EQ(deployments(), "create:live@1 update:live@2") << "the mount is the same";
  EXPECT_EQ(patch(R"({"permissions": {"scopes": ["files:write"]}})").status, 202);
  EXPECT_EQ(deployments(), "create:live@1 update:live@2 update:queued@3");
}

TEST_F(ChangeAgent, AConfigNeedsOneAndOvertakesTheActiveDeployment) {
  const auto answer = patch(R"({"config": {"a": 2}, "resources": {"pids": 20}})");
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(answer.at("agent", "generation").to_number<int>(), 2);
  EXPECT_EQ(answer.at("agent", "resources", "pids").to_number<int>(), 20);
  EXPECT_EQ(answer.at("agent", "resources", "memoryMb").to_number<int>(), 32) << "the rest stays";
  EXPECT_EQ(answer.string_at("agent", "deployment", "state"), "queued");
  EXPECT_EQ(deployments(), "create:cancelled@1 update:queued@2");
  EXPECT_EQ(Fixture::sql("SELECT spec #>> '{config,a}' FROM deployments WHERE state = 'queued'"),
            "2");
}

TEST_F(ChangeAgent, NothingChangedIsNoChange) {
  settle();
  EXPECT_EQ(patch(R"({"name": "Helper", "resources": {}})").status, 202);
  EXPECT_EQ(patch("{}").status, 202);
  EXPECT_EQ(deployments(), "create:live@1");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'agent_updated'"),
            "0");
}

TEST_F(ChangeAgent, AStoppedAgentIsNotStartedByAChange) {
  client.post(path("/stop"));
  EXPECT_EQ(patch(R"({"config": {"a": 3}})").status, 202);
  EXPECT_EQ(Fixture::sql("SELECT generation || desired_state FROM agents"), "2stopped");
  EXPECT_EQ(deployments(), "create:cancelled@1");
}

TEST_F(ChangeAgent, ASealedValueIsKeptWhenItsMarkComesBack) {
  const auto before = Fixture::sql("SELECT config #>> '{token,$sealed,ciphertext}' FROM agents");
  const auto answer = patch(R"({"config": {"a": 5, "token": {"$sealed": true}}})");
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(Fixture::sql("SELECT config #>> '{token,$sealed,ciphertext}' FROM agents"), before);
  EXPECT_THAT(answer.text, Not(HasSubstr(before)));
  EXPECT_EQ(pointers_of(patch(R"({"config": {"other": {"$sealed": true}}})")), "/config/other");
  ASSERT_EQ(patch(R"({"config": {"token": "second"}})").status, 202);
  EXPECT_NE(Fixture::sql("SELECT config #>> '{token,$sealed,ciphertext}' FROM agents"), before);
}

TEST_F(ChangeAgent, IfMatchRefusesToUndoAnothersChange) {
  const auto read = client.get(path());
  const std::string tag(*read.headers.get("etag"));
  // What the platform observes does not make the tag stale; what a person changes does.
  Fixture::sql("UPDATE agents SET status = 'running', updated_at = now()");
  EXPECT_EQ(*client.get(path()).headers.get("etag"), tag);
  EXPECT_EQ(patch(R"({"name": "Mine"})", {{"If-Match", tag}}).status, 202);
  const auto late = patch(R"({"name": "Theirs"})", {{"If-Match", tag}});
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(client.get(path()).string_at("agent", "name"), "Mine");
  EXPECT_EQ(client.del(path(), {{"If-Match", tag}}).status, 412);
  EXPECT_EQ(patch(R"({"name": "Any"})", {{"If-Match", "*"}}).status, 202);
}

TEST_F(ChangeAgent, BadChangesArePointedAt) {
  for (const auto& [body, pointer] : std::vector<std::pair<const char*, const char*>>{
           {R"({"name": " "})", "/name"},
           {R"({"runtimeVersion": "0.0.1"})", "/runtimeVersion"},
           {R"({"permissions": {}})", "/permissions/scopes"},
           {R"({"resources": {"diskMb": 1}})", "/resources/diskMb"},
           {R"({"runtime": "openclaw"})", "/runtime"},
           {R"({"desiredState": "stopped"})", "/desiredState"},
           {R"({"generation": 9})", "/generation"}}) {
    const auto answer = patch(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_EQ(pointers_of(answer), pointer) << body;
  }
  deploy(client, "Second");
  EXPECT_EQ(patch(R"({"name": "second"})").code(), "name_taken");
  EXPECT_EQ(Fixture::sql("SELECT generation FROM agents WHERE name = 'Helper'"), "1");
}

TEST_F(ChangeAgent, ANumberThatIsNoneIsRefusedBeforeItIsRead) {
  const auto spend = [&](std::string_view number) {
    return client.send_raw(
        http::Method::kPatch, path(),
        R"({"permissions": {"scopes": [], "maxDailyTokenSpend": )" + std::string(number) + "}}");
  };
  for (const char* bad : {"1e309", "-1e309"}) {
    EXPECT_EQ(pointers_of(spend(bad)), "/permissions/maxDailyTokenSpend") << bad;
  }
  for (const char* bad : {"NaN", "Infinity"}) EXPECT_EQ(spend(bad).status, 400) << bad;
  EXPECT_EQ(Fixture::sql("SELECT permissions -> 'scopes' FROM agents"), R"(["email:read"])");
}

TEST_F(ChangeAgent, RestartStartAndStopQueueWhatTheySay) {
  settle();
  EXPECT_EQ(client.post(path("/restart")).string_at("agent", "status"), "provisioning");
  EXPECT_EQ(deployments(), "create:live@1 restart:queued@1");
  settle();
  EXPECT_EQ(client.post(path("/start")).status, 202) << "it runs: nothing to do";
  EXPECT_EQ(client.post(path("/stop")).string_at("agent", "desiredState"), "stopped");
  EXPECT_EQ(client.post(path("/stop")).status, 202);
  EXPECT_EQ(client.post(path("/restart")).code(), "agent_stopped");
  EXPECT_EQ(client.post(path("/start")).string_at("agent", "desiredState"), "running");
  EXPECT_EQ(deployments(), "create:live@1 restart:live@1 start:queued@1");
  EXPECT_EQ(client.post(path("/start")).status, 202) << "it is about to run";
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM deployments"), "3");
  EXPECT_EQ(Fixture::sql("SELECT string_agg(action_type, ' ' ORDER BY seq) FROM audit_logs "
                         "WHERE agent_id IS NOT NULL"),
            "agent_created agent_restarted agent_stopped agent_started");
}

TEST_F(ChangeAgent, AnAgentGivenUpOnGetsANewChance) {
  settle("failed");
  Fixture::sql("UPDATE agents SET status = 'error', status_reason = 'given up'");
  const auto answer = client.post(path("/start"));
  EXPECT_EQ(answer.string_at("agent", "deployment", "kind"), "start");
  EXPECT_TRUE(answer.at("agent", "statusReason").is_null());
}

TEST_F(ChangeAgent, DeletingDestroysCredentialsAtOnceAndEndsIn404) {
  client.post(path("/credentials"),
              json::parse(R"({"name": "o", "kind": "openai", "value": "sk-value-x"})"));
  ASSERT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "1");
  const auto answer = client.del(path());
  ASSERT_EQ(answer.status, 202) << answer.text;
  EXPECT_EQ(answer.string_at("agent", "desiredState"), "deleted");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM agent_credentials"), "0");
  EXPECT_EQ(deployments(), "create:cancelled@1");
  EXPECT_EQ(client.get(path()).status, 200) << "until it is torn down";
  EXPECT_EQ(client.del(path()).status, 202) << "again changes nothing";
  EXPECT_EQ(patch(R"({"name": "x"})").code(), "agent_deleting");
  EXPECT_EQ(client.post(path("/start")).code(), "agent_deleting");
  EXPECT_EQ(client
                .post(path("/credentials"),
                      json::parse(R"({"name": "o", "kind": "openai", "value": "value-v1"})"))
                .code(),
            "agent_deleting");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'agent_deleted'"),
            "1");
  Fixture::sql("DELETE FROM agents");
  EXPECT_EQ(client.get(path()).status, 404);
  EXPECT_EQ(client.del(path()).status, 404);
  EXPECT_THAT(client.get("/api/audit?agentId=" + id).text, HasSubstr("agent_deleted"))
      << "outlives it";
}

TEST_F(ChangeAgent, MembersOperateAdminsDelete) {
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(client.get(path()).status, 200);
  EXPECT_EQ(client.post(path("/restart")).code(), "role_insufficient");
  EXPECT_EQ(patch(R"({"name": "x"})").code(), "role_insufficient");
  Fixture::sql("UPDATE users SET role = 'member'");
  EXPECT_EQ(client.post(path("/restart")).status, 202);
  EXPECT_EQ(client.del(path()).code(), "role_insufficient");
  Fixture::sql("UPDATE users SET role = 'admin'");
  EXPECT_EQ(client.del(path()).status, 202);
}

}  // namespace
}  // namespace deployclaw::api
