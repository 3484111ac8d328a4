#include "services/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/testing/policies.hpp"

namespace deployclaw::services {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Policy, AScopeOpensItsRulesAndNoOthers) {
  const auto policy = policy_of({.scopes = {"email:read"}});
  const auto read = policy.decide(
      request("GET", "gmail.googleapis.com", "/gmail/v1/users/me/messages/18c/attachments/a"));
  EXPECT_TRUE(read.allowed);
  EXPECT_EQ(read.rule, "gmail/read");
  EXPECT_EQ(read.action_type, "email_read");
  EXPECT_EQ(read.layer, Layer::kNone);

  const auto send =
      policy.decide(request("POST", "gmail.googleapis.com", "/gmail/v1/users/me/messages/send"));
  EXPECT_FALSE(send.allowed);
  EXPECT_EQ(send.layer, Layer::kScope);
  EXPECT_EQ(send.missing_scope, "email:send");
  EXPECT_EQ(send.action_type, "email_sent");
  EXPECT_EQ(send.target, "to unknown") << "its body is not known yet";
}

TEST(Policy, WhatTheCatalogueDoesNotKnowOfAHostIsDenied) {
  const auto policy = policy_of({.scopes = {"email:read", "email:send", "api:outbound"},
                                 .domains = {"gmail.googleapis.com", "www.googleapis.com"}});
  for (const auto& [method, path] : std::vector<std::pair<const char*, const char*>>{
           {"GET", "/gmail/v1/users/me/settings/forwardingAddresses"},
           {"POST", "/gmail/v1/users/me/settings/filters"},
           {"POST", "/batch/gmail/v1"},
           {"DELETE", "/gmail/v1/users/me/messages/1"},
           {"GET", "/gmail/v2/users/me/messages"},
           {"GET", "/"},
           {"TRACE", "/gmail/v1/users/me/messages"},
           {"get", "/gmail/v1/users/me/messages"}}) {
    const auto decision = policy.decide(request(method, "gmail.googleapis.com", path));
    EXPECT_FALSE(decision.allowed) << method << " " << path;
    EXPECT_EQ(decision.layer, Layer::kService) << method << " " << path;
    EXPECT_FALSE(decision.reason.empty());
    EXPECT_THAT(decision.injections, IsEmpty());
  }
}

TEST(Policy, TokenEndpointsAreShutToAgentsWhateverTheirDomains) {
  const auto policy = policy_of(
      {.scopes = {"email:read", "messaging:send", "api:outbound"},
       .domains = {"oauth2.googleapis.com", "login.microsoftonline.com", "slack.com"},
       .credentials = {credential("gmail"), credential("microsoft-graph"), credential("slack")}});
  for (const char* kind :
       {"gmail", "google-calendar", "google-drive", "microsoft-graph", "slack"}) {
    const auto* oauth = policy.catalogue().find_oauth(kind);
    ASSERT_NE(oauth, nullptr) << kind;
    const auto decision = policy.decide(request("POST", oauth->host, oauth->path));
    EXPECT_FALSE(decision.allowed) << kind;
    EXPECT_EQ(decision.layer, Layer::kService) << kind;
  }
  EXPECT_FALSE(policy.admits_name("oauth2.googleapis.com"));
  EXPECT_FALSE(policy.admits_name("login.microsoftonline.com"));
}

TEST(Policy, ModelCallsNeedACredentialOfTheService) {
  const auto without = policy_of({.scopes = {"api:outbound"}, .domains = {"api.openai.com"}});
  const auto call = request("POST", "api.openai.com", "/v1/chat/completions");
  EXPECT_FALSE(without.decide(call).allowed);
  EXPECT_EQ(without.decide(call).layer, Layer::kService);
  EXPECT_THAT(without.decide(call).reason, HasSubstr("no credential for OpenAI"));
  EXPECT_FALSE(without.admits_name("api.openai.com"));

  const auto with = policy_of({.credentials = {credential("openai")}});
  const auto decision = with.decide(call);
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.scope, "model");
  EXPECT_EQ(decision.action_type, "model_call");
  ASSERT_THAT(decision.injections, SizeIs(1));
  EXPECT_EQ(decision.injections[0].credential->name, "my-openai");
  EXPECT_TRUE(with.admits_name("api.openai.com", 443));
  EXPECT_FALSE(with.admits_name("api.anthropic.com"));
  for (const char* path :
       {"/v1/organization/admin_api_keys", "/v1/batches", "/v1/files/x", "/v1/fine_tuning/jobs",
        "/v1/chat/completions/", "/v1/Chat/Completions"}) {
    EXPECT_FALSE(with.decide(request("POST", "api.openai.com", path)).allowed) << path;
  }
}

TEST(Policy, ACredentialGoesOnlyWithRulesOfItsService) {
  const auto policy = policy_of({.scopes = {"email:read", "files:read"},
                                 .credentials = {credential("gmail"), credential("google-drive")}});
  const auto drive = policy.decide(request("GET", "www.googleapis.com", "/drive/v3/files"));
  ASSERT_THAT(drive.injections, SizeIs(1));
  EXPECT_EQ(drive.injections[0].credential->kind, "google-drive");
  const auto mail =
      policy.decide(request("GET", "www.googleapis.com", "/gmail/v1/users/me/messages"));
  ASSERT_THAT(mail.injections, SizeIs(1));
  EXPECT_EQ(mail.injections[0].credential->kind, "gmail");
}

TEST(Policy, TheCustomersChoiceOfHostsBindsACredential) {
  const auto policy = policy_of(
      {.scopes = {"email:read"}, .credentials = {credential("gmail", {"gmail.googleapis.com"})}});
  EXPECT_THAT(policy.decide(request("GET", "gmail.googleapis.com", "/gmail/v1/users/me/profile"))
                  .injections,
              SizeIs(1));
  EXPECT_THAT(
      policy.decide(request("GET", "www.googleapis.com", "/gmail/v1/users/me/profile")).injections,
      IsEmpty());
}

TEST(Policy, WebSocketsAndRequestsHaveRulesOfTheirOwn) {
  const auto policy =
      policy_of({.scopes = {"messaging:send"}, .credentials = {credential("discord")}});
  auto gateway = request("GET", "gateway.discord.gg", "/");
  EXPECT_FALSE(policy.decide(gateway).allowed);
  gateway.websocket = true;
  EXPECT_TRUE(policy.decide(gateway).allowed);
  gateway.host = "gateway-us-east1-b.discord.gg";
  EXPECT_TRUE(policy.decide(gateway).allowed);
  EXPECT_THAT(policy.decide(gateway).injections, SizeIs(2));
  auto rest = request("GET", "discord.com", "/api/v10/users/@me");
  EXPECT_TRUE(policy.decide(rest).allowed);
  rest.websocket = true;
  EXPECT_FALSE(policy.decide(rest).allowed);
}

TEST(Policy, ATargetNamesNoToken) {
  const auto policy =
      policy_of({.scopes = {"messaging:send"}, .credentials = {credential("telegram")}});
  const auto decision =
      policy.decide(request("POST", "api.telegram.org", "/bot123:AAsecret/sendMessage"));
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.target, "chat unknown (sendMessage)");
  EXPECT_EQ(decision.action_type, "message_sent");
}

TEST(Policy, AQueryMayNotAskForAnotherMethod) {
  const auto policy = policy_of({.scopes = {"messaging:send"}});
  auto facts = request("GET", "graph.facebook.com", "/v21.0/12345");
  facts.query = "fields=id";
  EXPECT_TRUE(policy.decide(facts).allowed);
  for (const char* query : {"method=delete", "a=b&METHOD=delete", "m%65thod=delete", "batch=[]",
                            "fields=id&method", "%zz=1"}) {
    facts.query = query;
    EXPECT_EQ(policy.decide(facts).layer, Layer::kService) << query;
  }
  facts.query = "x=method=delete";
  EXPECT_TRUE(policy.decide(facts).allowed);
}

}  // namespace
}  // namespace deployclaw::services
