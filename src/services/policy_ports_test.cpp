#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/policy.hpp"
#include "services/testing/policies.hpp"

namespace deployclaw::services {
namespace {

using namespace testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace deployclaw::services
