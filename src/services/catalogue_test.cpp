#include "services/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kGood = R"(name = "tiny"
title = "Tiny"
hosts = ["api.tiny.example"]
[[kinds]]
name = "tiny"
title = "Tiny key"
placeholder = "tk-{a40}"
places = [{ header = "Authorization", prefix = "Bearer " }]
[[rules]]
id = "read"
methods = ["GET"]
paths = ["/v1/things", "/v1/things/{thing}"]
scope = "files:read"
action = "file_access"
)";

std::string with(std::string_view what, std::string_view instead) {
  std::string text(kGood);
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

std::string with_oauth(std::string_view url, std::string_view kind) {
  return std::string(kGood) + "[oauth]\ntoken_url = \"" + std::string(url) +
         "\"\nclient_in = \"body\"\nkinds = [\"" + std::string(kind) + "\"]\n";
}

std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> problems;
  read_service(text, "tiny.toml", problems);
  return problems;
}

std::string refusal(std::vector<std::pair<std::string, std::string>> files) {
  const auto catalogue = Catalogue::of(files);
  return catalogue ? "accepted" : catalogue.error().message;
}

TEST(ServiceCatalogue, OfTheProjectIsValidAndComplete) {
  const auto catalogue = Catalogue::load(DEPLOYCLAW_SOURCE_DIR "/catalog");
  ASSERT_TRUE(catalogue) << catalogue.error().message;
  for (const char* name : {"openai",
                           "anthropic",
                           "gemini",
                           "openrouter",
                           "mistral",
                           "groq",
                           "xai",
                           "deepseek",
                           "telegram",
                           "slack",
                           "discord",
                           "whatsapp",
                           "gmail",
                           "github",
                           "notion",
                           "twilio",
                           "sendgrid",
                           "generic",
                           "smtp",
                           "imap",
                           "google-calendar",
                           "google-drive",
                           "microsoft-graph",
                           "whatsapp-business"}) {
    EXPECT_NE(catalogue->find_service(name), nullptr) << name;
  }
  for (const char* kind : {"slack", "slack-app", "generic", "generic-query", "generic-basic"}) {
    EXPECT_NE(catalogue->find_kind(kind), nullptr) << kind;
  }
  EXPECT_EQ(catalogue->find_kind("nope"), nullptr);
  for (const char* kind :
       {"gmail", "google-calendar", "google-drive", "microsoft-graph", "slack"}) {
    EXPECT_NE(catalogue->find_oauth(kind), nullptr) << kind;
  }
  for (const char* kind : {"slack-app", "openai", "generic", "nope"}) {
    EXPECT_EQ(catalogue->find_oauth(kind), nullptr) << kind;
  }
  EXPECT_EQ(catalogue->find_oauth("gmail")->authority(), "oauth2.googleapis.com");
  EXPECT_EQ(catalogue->find_oauth("gmail")->path, "/token");
  EXPECT_TRUE(catalogue->find_oauth("slack")->basic_client);
  EXPECT_EQ(catalogue->find_tcp(993)->scope, "email:read");
  EXPECT_EQ(catalogue->find_tcp(5432), nullptr);
}

TEST(ServiceCatalogue, FindsTheLongestWildcard) {
  const auto& catalogue = testing::project_catalogue();
  EXPECT_EQ(catalogue.find_host("gateway.discord.gg")->pattern, "gateway.discord.gg");
  EXPECT_EQ(catalogue.find_host("gateway-us-east1-b.discord.gg")->pattern, "*.discord.gg");
  EXPECT_EQ(catalogue.find_host("a.b.discord.gg")->pattern, "*.discord.gg");
  EXPECT_EQ(catalogue.find_host("discord.gg"), nullptr);
  EXPECT_EQ(catalogue.find_host("evildiscord.gg"), nullptr);
  EXPECT_EQ(catalogue.find_host("api.openai.com.evil.example"), nullptr);
  EXPECT_EQ(Catalogue().find_host("api.openai.com"), nullptr);
}

TEST(ServiceCatalogue, TellsWhenTheFolderIsMissing) {
  EXPECT_EQ(Catalogue::load("/nonexistent").error().code, Code::kNotFound);
}

TEST(ReadService, AcceptsACompleteFile) {
  std::vector<std::string> problems;
  const auto service = read_service(kGood, "tiny.toml", problems);
  EXPECT_THAT(problems, IsEmpty());
  ASSERT_EQ(service.rules.size(), 1U);
  EXPECT_EQ(service.rules[0].id, "tiny/read");
  EXPECT_EQ(service.rules[0].where, "tiny.toml:9");
  EXPECT_EQ(service.rules[0].methods, method_bit("GET") | method_bit("HEAD"));
  EXPECT_EQ(service.kinds[0].hosts, service.hosts);
}

TEST(ReadService, NamesFileLineAndFieldOfEveryProblem) {
  const std::vector<std::pair<std::string, const char*>> cases = {
      {with("title = \"Tiny\"", "titel = \"Tiny\""), "tiny.toml:2: titel: is not a field"},
      {with("api.tiny.example", "10.0.0.1"), "tiny.toml:3: hosts: '10.0.0.1' must be a domain"},
      {with("api.tiny.example", "API.tiny.example"), "hosts: 'API.tiny.example' is written"},
      {with("tk-{a40}", "tk-{a4}"), "tiny.toml:7: kinds[0].placeholder: has 24 random bits"},
      {with("header = ", "haeder = "), "tiny.toml:8: kinds[0].places[0].places: must be one of"},
      {with("prefix = \"Bearer \"", "query = \"k\""), "stands beside another place"},
      {with("header = \"Authorization\", prefix = \"Bearer \"", "path = \"/bot{token}/x\""),
       "path: must have {secret}"},
      {with("header = \"Authorization\", prefix = \"Bearer \"", "body = \"token\""),
       "body: must be a JSON pointer"},
      {with("header = \"Authorization\", prefix = \"Bearer \"", "basic = \"both\""),
       "basic: must be user or password"},
      {with("\"GET\"", "\"FETCH\""), "tiny.toml:11: rules[0].methods: 'FETCH' is not a known"},
      {with("/v1/things\"", "/v1//things\""), "tiny.toml:12: rules[0].paths: '/v1//things'"},
      {with("files:read", "files:all"), "tiny.toml:13: rules[0].scope: must be a scope"},
      {with("scope = \"files:read\"", "scope = \"files:read\"\ndeny = \"no\""),
       "either scope or deny"},
      {with("scope = \"files:read\"\n", ""), "either scope or deny"},
      {with("action = \"file_access\"", "action = \"file_access\"\ntarget = \"{thing}\""),
       "target: not every path has {thing}"},
      {with("action = \"file_access\"", "action = \"file_access\"\nhosts = [\"x.example.com\"]"),
       "'x.example.com' is not a host of the service"},
      {std::string(kGood) + "body = { pointer = \"x\", equals = [1] }\n", "body.pointer: must be"},
      {std::string(kGood) + "body = { pointer = \"/x\", equals = [] }\n", "body.equals: must be"},
      {std::string(kGood) + "[[tcp]]\nport = 25\nscope = \"email:send\"\naction = \"x\"\n",
       "port: is never tunnelled"},
      {with_oauth("http://tokens.tiny.example/t", "tiny"), "oauth.token_url: must be an https URL"},
      {with_oauth("https://tokens.tiny.example/t?x=1", "tiny"), "oauth.token_url: must be"},
      {with_oauth("https://a@tokens.tiny.example/t", "tiny"), "oauth.token_url: must be"},
      {with_oauth("https://tokens.tiny.example/../t", "tiny"), "oauth.token_url: must be"},
      {with_oauth("https://127.0.0.1/t", "tiny"), "oauth.token_url: must be"},
      {with_oauth("https://tokens.tiny.example/t", "other"),
       "'other' is not a kind of the service"},
      {"name = ", "tiny.toml:1: syntax:"},
  };
  for (const auto& [text, problem] : cases) {
    EXPECT_THAT(problems_of(text), Contains(HasSubstr(problem))) << text;
  }
}

TEST(ServiceCatalogue, OneBadFileRefusesTheWhole) {
  EXPECT_EQ(refusal({{"tiny.toml", std::string(kGood)}}), "accepted");
  EXPECT_THAT(refusal({{"tiny.toml", std::string(kGood)}, {"bad.toml", "name = \"bad\"\n"}}),
              HasSubstr("bad.toml:1: title: is missing"));
  EXPECT_THAT(refusal({{"other.toml", std::string(kGood)}}), HasSubstr("must be the file's name"));
}

std::string second_service(std::string_view scope, std::string_view path) {
  return "name = \"second\"\ntitle = \"Second\"\nhosts = [\"api.tiny.example\"]\n[[rules]]\n"
         "id = \"read\"\nmethods = [\"GET\", \"POST\"]\npaths = [\"" +
         std::string(path) + "\"]\nscope = \"" + std::string(scope) +
         "\"\naction = \"file_access\"\n";
}

TEST(ServiceCatalogue, TwoServicesMayNotDisagreeAboutARequest) {
  const auto both = [](std::string_view scope, std::string_view path) {
    return refusal(
        {{"tiny.toml", std::string(kGood)}, {"second.toml", second_service(scope, path)}});
  };
  EXPECT_EQ(both("files:write", "/v2/things"), "accepted");
  EXPECT_EQ(both("files:read", "/v1/things"), "accepted") << "the verdict is the same";
  EXPECT_THAT(both("files:write", "/v1/things"),
              HasSubstr("could both decide on api.tiny.example"));
  EXPECT_THAT(both("files:write", "/v1/**"), HasSubstr("second.toml:4"));
  EXPECT_THAT(both("files:write", "/*/things/x"), HasSubstr("could both decide"));
}

TEST(ServiceCatalogue, ASecretGoesNowhereWhereNoRuleDecides) {
  const auto text = with("hosts = [\"api.tiny.example\"]",
                         "hosts = [\"api.tiny.example\", \"eu.tiny.example\"]") +
                    "hosts = [\"api.tiny.example\"]\n";
  EXPECT_THAT(refusal({{"tiny.toml", text}}),
              HasSubstr("'tiny' may be sent to eu.tiny.example, where no rule"));
}

TEST(ServiceCatalogue, NoRuleLetsAnAgentAskATokenEndpoint) {
  const auto with_host = [](std::string_view rule) {
    return std::pair<std::string, std::string>("oauth.toml",
                                               "name = \"oauth\"\ntitle = \"T\"\nhosts = "
                                               "[\"tokens.tiny.example\"]\n[[rules]]\nid = \"t\"\n"
                                               "methods = [\"POST\"]\n" +
                                                   std::string(rule));
  };
  const std::pair<std::string, std::string> tiny(
      "tiny.toml", with_oauth("https://tokens.tiny.example/t", "tiny"));
  EXPECT_THAT(refusal({tiny}), HasSubstr("on no host of the catalogue"));
  EXPECT_EQ(refusal({tiny, with_host("paths = [\"/**\"]\ndeny = \"no\"\n")}), "accepted");
  for (const char* path : {"/t", "/*", "/**"}) {
    EXPECT_THAT(refusal({tiny, with_host("paths = [\"" + std::string(path) +
                                         "\"]\nscope = \"files:read\"\naction = \"x\"\n")}),
                HasSubstr("lets agents ask the token endpoint"))
        << path;
  }
  EXPECT_EQ(
      refusal({tiny, with_host("paths = [\"/u\"]\nscope = \"files:read\"\naction = \"x\"\n")}),
      "accepted");
}

TEST(ServiceCatalogue, RefusesTwins) {
  const auto rule = std::string(kGood).substr(kGood.find("[[rules]]"));
  EXPECT_THAT(refusal({{"tiny.toml", std::string(kGood) + rule}}),
              HasSubstr("'tiny/read' is there twice"));
  auto other = rule;
  other.replace(other.find("\"read\""), 6, "\"more\"");
  EXPECT_THAT(refusal({{"tiny.toml", std::string(kGood) + other}}), HasSubstr("could both decide"));
  const auto kind = std::string(kGood).substr(kGood.find("[[kinds]]"),
                                              kGood.find("[[rules]]") - kGood.find("[[kinds]]"));
  EXPECT_THAT(refusal({{"tiny.toml", std::string(kGood) + kind}}),
              HasSubstr("credential kind 'tiny' is there twice"));
}

}  // namespace
}  // namespace deployclaw::services
