#include "services/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

AgentCredential credential(std::string kind, std::vector<std::string> hosts = {}) {
  const auto* known = testing::project_catalogue().find_kind(kind);
  EXPECT_NE(known, nullptr) << kind;
  if (hosts.empty()) hosts = known->hosts;
  return {.name = "my-" + kind,
          .kind = kind,
          .hosts = std::move(hosts),
          .placeholder = "placeholder-of-" + kind + "-0123456789"};
}

struct Given {
  std::vector<std::string> scopes = {};
  std::vector<std::string> domains = {};
  std::vector<AgentCredential> credentials = {};
  bool active = true;
};

AgentPolicy policy_of(Given given) {
  domain::Permissions permissions;
  permissions.scopes = std::move(given.scopes);
  permissions.allowed_domains = std::move(given.domains);
  auto policy = AgentPolicy::compile(testing::project_catalogue(), permissions,
                                     std::move(given.credentials), given.active, 7);
  if (!policy) throw std::runtime_error(policy.error().message);
  return std::move(*policy);
}

RequestFacts request(std::string_view method, std::string_view host, std::string_view path) {
  return {.host = host, .method = method, .path = path};
}

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
  EXPECT_EQ(send.target, "mailbox me");
}

TEST(Policy, WhatTheCatalogueDoesNotKnowOfAHostIsDenied) {
  const auto policy = policy_of({.scopes = {"email:read", "email:send", "api:outbound"},
                                 .domains = {"gmail.googleapis.com", "*.googleapis.com"}});
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

TEST(Policy, OtherHostsNeedADomainAndTheOutboundScope) {
  const auto policy =
      policy_of({.scopes = {"api:outbound"},
                 .domains = {"api.example.com", "*.example.org"},
                 .credentials = {credential("generic", {"api.example.com", "x.example.net"})}});
  const auto good = policy.decide(request("GET", "api.example.com", "/any/thing"));
  EXPECT_TRUE(good.allowed);
  EXPECT_EQ(good.rule, "domain:api.example.com");
  EXPECT_EQ(good.target, "api.example.com/any/thing");
  EXPECT_THAT(good.injections, SizeIs(1));
  EXPECT_THAT(policy.decide(request("GET", "a.example.org", "/")).injections, IsEmpty());
  EXPECT_EQ(policy.decide(request("GET", "x.example.net", "/")).layer, Layer::kDomain)
      << "a credential opens no domain";
  EXPECT_EQ(policy.decide(request("GET", "example.org", "/")).layer, Layer::kDomain);
  EXPECT_EQ(policy.decide(request("GET", "evilexample.org", "/")).layer, Layer::kDomain);

  const auto unscoped = policy_of({.domains = {"api.example.com"}});
  EXPECT_EQ(unscoped.decide(request("GET", "api.example.com", "/")).missing_scope, "api:outbound");
  EXPECT_FALSE(unscoped.admits_name("api.example.com"));
}

TEST(Policy, OnlyTheNamedPortsAreOpen) {
  const auto policy = policy_of({.scopes = {"api:outbound"},
                                 .domains = {"a.example.com", "b.example.com:8443"},
                                 .credentials = {credential("openai")}});
  const auto on = [&](std::string_view host, std::uint16_t port, bool tls) {
    auto facts = request("GET", host, "/v1/models");
    facts.port = port;
    facts.tls = tls;
    return policy.decide(facts);
  };
  EXPECT_TRUE(on("a.example.com", 443, true).allowed);
  EXPECT_TRUE(on("a.example.com", 80, false).allowed);
  EXPECT_EQ(on("a.example.com", 8443, true).layer, Layer::kPort);
  EXPECT_TRUE(on("b.example.com", 8443, true).allowed);
  EXPECT_EQ(on("b.example.com", 443, true).layer, Layer::kPort);
  EXPECT_TRUE(on("api.openai.com", 443, true).allowed);
  EXPECT_EQ(on("api.openai.com", 443, false).layer, Layer::kPort) << "a secret in the clear";
  EXPECT_EQ(on("api.openai.com", 80, false).layer, Layer::kPort);
  EXPECT_EQ(on("api.openai.com", 8443, true).layer, Layer::kPort);
}

TEST(Policy, InTheClearNothingIsInjected) {
  const auto policy = policy_of({.scopes = {"api:outbound"},
                                 .domains = {"a.example.com"},
                                 .credentials = {credential("generic", {"a.example.com"})}});
  auto facts = request("GET", "a.example.com", "/");
  facts.port = 80;
  facts.tls = false;
  EXPECT_TRUE(policy.decide(facts).allowed);
  EXPECT_THAT(policy.decide(facts).injections, IsEmpty());
}

TEST(Policy, ASuspendedClientReachesNothing) {
  const auto policy = policy_of({.scopes = {"api:outbound", "email:send"},
                                 .domains = {"a.example.com"},
                                 .credentials = {credential("openai")},
                                 .active = false});
  EXPECT_EQ(policy.decide(request("GET", "a.example.com", "/")).layer, Layer::kClient);
  EXPECT_EQ(policy.decide(request("GET", "api.openai.com", "/v1/models")).layer, Layer::kClient);
  EXPECT_EQ(policy.decide_tunnel("a.example.com", 587).layer, Layer::kClient);
  EXPECT_FALSE(policy.admits_name("a.example.com"));
  EXPECT_FALSE(policy.admits_name("api.openai.com"));
}

TEST(Policy, MailPortsGoByTheirScope) {
  const auto policy = policy_of({.scopes = {"email:send"}, .domains = {"mail.example.com"}});
  const auto smtp = policy.decide_tunnel("mail.example.com", 587);
  EXPECT_TRUE(smtp.allowed);
  EXPECT_EQ(smtp.rule, "smtp/587");
  EXPECT_EQ(smtp.action_type, "email_sent");
  EXPECT_EQ(smtp.target, "mail.example.com:587");
  EXPECT_EQ(policy.decide_tunnel("mail.example.com", 993).missing_scope, "email:read");
  EXPECT_EQ(policy.decide_tunnel("mail.example.com", 25).layer, Layer::kPort);
  EXPECT_EQ(policy.decide_tunnel("mail.example.com", 443).layer, Layer::kPort);
  EXPECT_EQ(policy.decide_tunnel("other.example.com", 587).layer, Layer::kDomain);
  EXPECT_EQ(policy.decide_tunnel("api.openai.com", 587).layer, Layer::kService);
  EXPECT_TRUE(policy.admits_name("mail.example.com"));
  EXPECT_TRUE(policy.admits_name("mail.example.com", 465));
  EXPECT_FALSE(policy.admits_name("mail.example.com", 443)) << "without api:outbound";
}

TEST(Policy, APortNamedInADomainIsTunnelledWithTheOutboundScope) {
  const auto policy = policy_of(
      {.scopes = {"api:outbound"}, .domains = {"db.example.com:5432", "mx.example.com:587"}});
  EXPECT_TRUE(policy.decide_tunnel("db.example.com", 5432).allowed);
  EXPECT_EQ(policy.decide_tunnel("db.example.com", 5433).layer, Layer::kPort);
  EXPECT_EQ(policy.decide_tunnel("mx.example.com", 587).missing_scope, "email:send")
      << "naming the port is no way around the mail scope";
  auto http = request("GET", "mx.example.com", "/");
  http.port = 587;
  EXPECT_EQ(policy.decide(http).layer, Layer::kPort);
  EXPECT_FALSE(policy.admits_name("mx.example.com", 587));
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
  EXPECT_EQ(decision.target, "sendMessage");
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

TEST(Policy, AConditionOnTheBodyWaitsForIt) {
  const std::vector<std::pair<std::string, std::string>> files = {{"pay.toml", R"(name = "pay"
title = "Pay"
hosts = ["api.pay.example"]
[[rules]]
id = "refund"
methods = ["POST"]
paths = ["/v1/move"]
body = { pointer = "/kind", equals = ["refund"] }
deny = "refunds are for people"
[[rules]]
id = "look"
methods = ["POST"]
paths = ["/v1/move"]
body = { pointer = "/dry", equals = [true] }
scope = "files:read"
action = "api_call"
[[rules]]
id = "move"
methods = ["POST"]
paths = ["/v1/move"]
scope = "files:write"
action = "api_call"
)"}};
  const auto catalogue = Catalogue::of(files);
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  domain::Permissions permissions;
  permissions.scopes = {"files:read", "files:write"};
  const auto policy = AgentPolicy::compile(*catalogue, permissions, {}, true, 1);
  ASSERT_TRUE(policy);
  auto facts = request("POST", "api.pay.example", "/v1/move");
  EXPECT_TRUE(policy->decide(facts).needs_body);
  EXPECT_FALSE(policy->decide(facts).allowed);
  const auto with = [&](std::string_view json) {
    const auto body = boost::json::parse(json);
    facts.body = &body;
    return std::string(policy->decide(facts).rule) +
           (policy->decide(facts).allowed ? " allowed" : " refused");
  };
  EXPECT_EQ(with(R"({"kind": "refund", "dry": true})"), "pay/refund refused");
  EXPECT_EQ(with(R"({"dry": true})"), "pay/look allowed");
  EXPECT_EQ(with(R"({"dry": false})"), "pay/move allowed");
  EXPECT_EQ(with("[]"), "pay/move allowed");
  EXPECT_EQ(with("null"), "pay/refund refused") << "what cannot be read is no way around";
}

TEST(Policy, CompileRefusesWhatItCannotHold) {
  const auto compile = [](std::vector<AgentCredential> credentials,
                          std::vector<std::string> domains = {},
                          std::vector<std::string> scopes = {}) {
    domain::Permissions permissions;
    permissions.allowed_domains = std::move(domains);
    permissions.scopes = std::move(scopes);
    return AgentPolicy::compile(testing::project_catalogue(), permissions, std::move(credentials),
                                true, 1)
        .has_value();
  };
  auto twin = credential("openai");
  twin.name = "other";
  auto unknown = credential("openai");
  unknown.kind = "nope";
  auto empty = credential("openai");
  empty.placeholder = "";
  EXPECT_TRUE(compile({credential("openai"), credential("groq")}));
  EXPECT_FALSE(compile({credential("openai"), twin}));
  EXPECT_FALSE(compile({unknown}));
  EXPECT_FALSE(compile({empty}));
  EXPECT_FALSE(compile({}, {"*.com"}));
  EXPECT_FALSE(compile({}, {}, {"root"}));
}

TEST(Policy, ADenialTellsWhatIsMissing) {
  const auto policy = policy_of({});
  const std::string path = "/gmail/v1/users/me/messages/send";
  const auto facts = request("POST", "gmail.googleapis.com", path);
  const auto response = to_problem(policy.decide(facts), facts, "req-1");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  const auto body = boost::json::parse(response.body);
  EXPECT_EQ(body.at("code"), "egress_denied");
  EXPECT_EQ(body.at("layer"), "scope");
  EXPECT_EQ(body.at("host"), "gmail.googleapis.com");
  EXPECT_EQ(body.at("method"), "POST");
  EXPECT_EQ(body.at("path"), boost::json::string(path));
  EXPECT_EQ(body.at("missingScope"), "email:send");
  EXPECT_EQ(body.at("rule"), "gmail/send");
}

}  // namespace
}  // namespace deployclaw::services
