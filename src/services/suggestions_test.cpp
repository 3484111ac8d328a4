#include "services/suggestions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "services/testing/policies.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DenialGroup refused(std::string method, std::string host, std::string path, std::string layer,
                    std::string rule = "", std::string scope = "", std::int64_t count = 1) {
  DenialGroup group;
  group.request = {.host = std::move(host),
                   .port = 443,
                   .tls = true,
                   .websocket = false,
                   .method = std::move(method),
                   .path = std::move(path),
                   .rule = std::move(rule),
                   .denied = true,
                   .layer = std::move(layer),
                   .reason = "said then"};
  group.missing_scope = std::move(scope);
  group.count = count;
  group.last_at = Time(std::chrono::seconds(1000 + count));
  return group;
}

DenialGroup connection(std::string host, std::optional<std::uint16_t> port) {
  auto group = refused("", std::move(host), "", "domain");
  group.request.port = port;
  return group;
}

class Suggest : public ::testing::Test {
 protected:
  Suggestions found(std::vector<DenialGroup> groups) {
    auto result = suggest(parts_, groups);
    EXPECT_TRUE(result) << result.error().message;
    return std::move(*result);
  }
  std::vector<std::string> ids(std::vector<DenialGroup> groups) {
    std::vector<std::string> out;
    for (const auto& item : found(std::move(groups)).items) out.push_back(item.id);
    return out;
  }
  PolicyParts parts_{.catalogue = testing::project_catalogue(),
                     .permissions = {.scopes = {"email:read"},
                                     .rate_limits = {},
                                     .allowed_domains = {},
                                     .max_daily_token_spend = {},
                                     .approval = {}},
                     .credentials = {}};
};

TEST_F(Suggest, AMissingScopeIsAdded) {
  const auto all =
      found({refused("POST", "gmail.googleapis.com", "/gmail/v1/users/me/messages/send", "scope",
                     "gmail/send", "email:send", 3),
             refused("POST", "graph.microsoft.com", "/v1.0/me/sendMail", "scope",
                     "microsoft-graph/mail-send", "email:send", 4)});
  ASSERT_THAT(all.items, SizeIs(1));
  const auto& one = all.items.front();
  EXPECT_EQ(one.id, "scope:email:send");
  EXPECT_EQ(one.count, 7);
  EXPECT_EQ(one.example, "POST https://graph.microsoft.com/v1.0/me/sendMail") << "the latest";
  EXPECT_THAT(one.sentence, HasSubstr("send"));
}

TEST_F(Suggest, WhatIsGrantedByNowIsLeftOut) {
  const auto all = found({refused("GET", "gmail.googleapis.com", "/gmail/v1/users/me/messages",
                                  "scope", "gmail/read", "email:read")});
  EXPECT_THAT(all.items, IsEmpty());
  EXPECT_THAT(all.not_grantable, IsEmpty());
}

TEST_F(Suggest, ADomainBringsTheScopeItNeeds) {
  EXPECT_THAT(ids({refused("GET", "api.example.com", "/x", "domain")}),
              ElementsAre("domain:api.example.com+scope:api:outbound"));
  parts_.permissions.scopes = {"api:outbound"};
  EXPECT_THAT(ids({refused("GET", "api.example.com", "/x", "domain")}),
              ElementsAre("domain:api.example.com"));
  parts_.permissions.scopes = {};
  parts_.permissions.allowed_domains = {"api.example.com"};
  EXPECT_THAT(ids({refused("GET", "api.example.com", "/x", "scope", "domain:api.example.com",
                           "api:outbound")}),
              ElementsAre("scope:api:outbound"));
}

TEST_F(Suggest, APortIsPartOfTheDomain) {
  parts_.permissions.scopes = {"api:outbound"};
  parts_.permissions.allowed_domains = {"db.example.com"};
  EXPECT_THAT(ids({connection("db.example.com", 5432)}), ElementsAre("domain:db.example.com:5432"));
  EXPECT_THAT(ids({connection("db.example.com", 80)}), IsEmpty()) << "allowed by now";
  auto request = refused("GET", "db.example.com", "/", "port");
  request.request.port = 8443;
  EXPECT_THAT(ids({request}), ElementsAre("domain:db.example.com:8443"));
}

TEST_F(Suggest, MailPortsAskForTheirScope) {
  parts_.permissions.allowed_domains = {"mail.example.com"};
  EXPECT_THAT(ids({connection("mail.example.com", 465)}), ElementsAre("scope:email:send"));
  EXPECT_THAT(ids({connection("other.example.com", 993)}),
              ElementsAre("domain:other.example.com:993"));
}

TEST_F(Suggest, ANameAloneIsEnough) {
  parts_.permissions.scopes = {"api:outbound"};
  auto name = connection("api.example.com", std::nullopt);
  name.request.layer = "dns";
  EXPECT_THAT(ids({name}), ElementsAre("domain:api.example.com"));
}

// For mail the domain would do, but it was no mail.
TEST_F(Suggest, AConnectionToTheUsualPortNeedsWhatItsRequestsNeed) {
  parts_.permissions.scopes = {"email:read"};
  EXPECT_THAT(ids({connection("api.example.com", std::nullopt)}),
              ElementsAre("domain:api.example.com+scope:api:outbound"));
  auto name = connection("api.example.com", std::nullopt);
  name.request.layer = "dns";
  EXPECT_THAT(ids({name}), ElementsAre("domain:api.example.com"));
}

// Of the services on one host, the one the agent has a credential of; reading before writing.
TEST_F(Suggest, ACatalogueHostIsOpenedByTheNarrowestScope) {
  parts_.permissions.scopes = {};
  EXPECT_THAT(ids({connection("www.googleapis.com", std::nullopt)}),
              ElementsAre("scope:email:read"));
  parts_.credentials = {testing::credential("google-drive")};
  EXPECT_THAT(ids({connection("www.googleapis.com", std::nullopt)}),
              ElementsAre("scope:files:read"));
}

TEST_F(Suggest, WhatNobodyMayGrantStandsApart) {
  parts_.permissions.scopes = {"api:outbound"};
  const auto all = found(
      {refused("POST", "gmail.googleapis.com", "/batch/gmail/v1", "service", "gmail/batch"),
       refused("GET", "gmail.googleapis.com", "/unknown", "service"), connection("10.1.2.3", 443),
       connection("printer.local", 443), connection("com", std::nullopt),
       refused("GET", "api.openai.com", "/v1/models", "service", "openai/model-list")});
  EXPECT_THAT(all.items, IsEmpty());
  EXPECT_THAT(all.not_grantable, SizeIs(6));
  for (const auto& entry : all.not_grantable) EXPECT_FALSE(entry.reason.empty()) << entry.host;
}

TEST_F(Suggest, AFullListOfDomainsGetsNoMore) {
  parts_.permissions.scopes = {"api:outbound"};
  for (int i = 0; i < 500; ++i) {
    parts_.permissions.allowed_domains.push_back("h" + std::to_string(i) + ".example.com");
  }
  EXPECT_THAT(ids({refused("GET", "api.example.com", "/x", "domain")}), IsEmpty());
}

// Whatever was refused: a suggested change is valid, makes it pass, and adds one scope and one
// domain at most.
TEST_F(Suggest, EachChangeIsValidAndMakesItsRequestsPass) {
  std::mt19937 random(11);
  const auto below = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::vector<std::string> hosts = {"gmail.googleapis.com",
                                          "www.googleapis.com",
                                          "graph.microsoft.com",
                                          "slack.com",
                                          "api.telegram.org",
                                          "x.discord.gg",
                                          "api.example.com",
                                          "mail.example.org",
                                          "10.0.0.1",
                                          "localhost",
                                          "api.openai.com",
                                          "a.b.co.uk"};
  constexpr std::uint16_t kPorts[] = {80, 443, 465, 587, 993, 25, 8080, 5432};
  for (int i = 0; i < 2000; ++i) {
    parts_.permissions.scopes.clear();
    for (const auto scope : domain::kScopes) {
      if (below(4) == 0) parts_.permissions.scopes.emplace_back(scope);
    }
    DenialGroup group = refused("GET", hosts[below(hosts.size())], "/x", "domain");
    group.request.port = kPorts[below(std::size(kPorts))];
    if (below(3) == 0) group.request.port.reset();
    if (below(2) == 0) group.request.method = "";
    if (!group.request.port) group.request.method = "";
    const auto all = found({group});
    ASSERT_LE(all.items.size() + all.not_grantable.size(), 1U);
    for (const auto& item : all.items) {
      auto changed = parts_;
      changed.permissions = with(parts_.permissions, item.change);
      std::vector<FieldError> errors;
      (void)domain::read_permissions(domain::to_json(changed.permissions), "", errors);
      ASSERT_TRUE(errors.empty()) << item.id;
      const auto policy = AgentPolicy::compile(changed.catalogue, changed.permissions, {}, true, 0);
      ASSERT_TRUE(policy);
      ASSERT_TRUE(judge(*policy, group.request).allowed) << item.id << " " << item.example;
      ASSERT_THAT(json_patch(item.change), SizeIs(::testing::Le(2U)));
    }
  }
}

}  // namespace
}  // namespace deployclaw::services
