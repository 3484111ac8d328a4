#include "services/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "services/testing/policies.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Explain : public ::testing::Test {
 protected:
  Result<Explanation> ask(std::string method, std::string url) {
    auto policy =
        AgentPolicy::compile(testing::project_catalogue(), permissions_, credentials_, active_, 1);
    EXPECT_TRUE(policy);
    return explain(*policy, permissions_, {.method = std::move(method), .url = std::move(url)});
  }
  std::string pointer(std::string method, std::string url) {
    const auto answer = ask(std::move(method), std::move(url));
    return answer ? "" : answer.error().fields.at(0).pointer;
  }
  domain::Permissions permissions_{.scopes = {"email:read", "api:outbound"},
                                   .rate_limits = {},
                                   .allowed_domains = {"api.example.com", "db.example.com:5432"},
                                   .max_daily_token_spend = {},
                                   .approval = {}};
  std::vector<AgentCredential> credentials_;
  bool active_ = true;
};

constexpr auto kMessages = "https://gmail.googleapis.com/gmail/v1/users/me/messages";

TEST_F(Explain, NamesTheRuleItsFileAndTheLimits) {
  const auto answer = ask("GET", kMessages);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::kAllowed);
  EXPECT_EQ(answer->rule, "gmail/read");
  EXPECT_THAT(answer->rule_file, StartsWith("catalog/services/gmail.toml:"));
  EXPECT_EQ(answer->scope, "email:read");
  ASSERT_TRUE(answer->limits);
  EXPECT_EQ(*answer->limits, domain::default_limits("email:read"));
  EXPECT_TRUE(answer->default_limits);
  EXPECT_FALSE(answer->approval);
}

TEST_F(Explain, AnswersThePermissionsOwnLimitsAndApproval) {
  permissions_.rate_limits["email:read"] = {.max_per_hour = 3, .max_per_day = 4};
  permissions_.approval = {"email:read"};
  const auto answer = ask("GET", kMessages);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->limits, (domain::WindowLimits{.per_hour = 3, .per_day = 4}));
  EXPECT_FALSE(answer->default_limits);
  EXPECT_TRUE(answer->approval);
}

TEST_F(Explain, NamesTheMissingScope) {
  const auto answer = ask("POST", std::string(kMessages) + "/send");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::kDenied);
  EXPECT_EQ(answer->layer, "scope");
  EXPECT_EQ(answer->missing_scope, "email:send");
}

// As egress reads it: the canonical form is decided upon.
TEST_F(Explain, TakesTheCanonicalForm) {
  EXPECT_EQ(ask("GET", "HTTPS://GMAIL.googleapis.com./gmail/v1/x/../users/me/%6Dessages#top")->rule,
            "gmail/read");
  EXPECT_EQ(ask("GET", "https://api.example.com/x?y")->rule, "domain:api.example.com");
  EXPECT_EQ(ask("GET", "http://gmail.googleapis.com/gmail/v1/users/me/messages")->layer, "port");
  EXPECT_EQ(ask("GET", "https://api.example.com:8443/")->layer, "port");
  EXPECT_EQ(ask("GET", "https://other.example.com/")->layer, "domain");
}

TEST_F(Explain, RefusesWhatEgressWouldNotRead) {
  EXPECT_EQ(pointer("GET", "https://api.example.com/a%2Fb"), "/url");
  EXPECT_EQ(pointer("GET", "https://10.0.0.1/"), "/url");
  EXPECT_EQ(pointer("GET", "https://user@api.example.com/"), "/url");
  EXPECT_EQ(pointer("GET", "/gmail/v1"), "/url");
  EXPECT_EQ(pointer("GET", "ftp://api.example.com/"), "/url");
  EXPECT_EQ(pointer("GE T", kMessages), "/method");
  EXPECT_EQ(pointer("", kMessages), "/method");
  EXPECT_EQ(pointer("", "tcp://api.example.com"), "/url");
}

TEST_F(Explain, KnowsConnectionsThatAreNotRead) {
  EXPECT_EQ(ask("", "tcp://db.example.com:5432")->rule, "domain:db.example.com:5432");
  const auto mail = ask("", "tcp://api.example.com:993");
  EXPECT_EQ(mail->rule, "imap/993");
  EXPECT_EQ(mail->verdict, Verdict::kAllowed);
  EXPECT_EQ(ask("", "tcp://api.example.com:465")->missing_scope, "email:send");
}

TEST_F(Explain, KnowsWebSockets) {
  permissions_.scopes = {"messaging:send"};
  EXPECT_EQ(ask("GET", "wss://gateway.discord.gg/")->rule, "discord/gateway");
  EXPECT_EQ(ask("GET", "https://gateway.discord.gg/")->layer, "service");
}

TEST_F(Explain, ASuspendedClientIsRefusedFirst) {
  active_ = false;
  EXPECT_EQ(ask("GET", kMessages)->layer, "client");
}

TEST_F(Explain, IsWrittenWithNullForWhatDoesNotApply) {
  const auto text = boost::json::serialize(to_json(*ask("GET", "https://no.example.com/")));
  EXPECT_THAT(text, HasSubstr(R"("rule":null)"));
  EXPECT_THAT(text, HasSubstr(R"("verdict":"denied")"));
}

}  // namespace
}  // namespace deployclaw::services
