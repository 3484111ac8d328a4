#include "services/test_call.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/injection.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using domain::TestReason;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Its test begins at line 9.
std::string file_with(std::string_view test,
                      std::string_view places = R"([{ header = "X-Key", prefix = "Key " }])") {
  return "name = \"tiny\"\ntitle = \"Tiny\"\nhosts = [\"api.tiny.example\", \"*.tiny.example\"]\n"
         "[[kinds]]\nname = \"tiny\"\ntitle = \"Tiny key\"\nplaceholder = \"tk-{a40}\"\nplaces = " +
         std::string(places) + "\n[kinds.test]\n" + std::string(test) +
         "\n[[rules]]\nid = \"all\"\nmethods = [\"GET\"]\npaths = [\"/**\"]\n"
         "scope = \"files:read\"\naction = \"file_access\"\n";
}

constexpr std::string_view kUrl = "url = \"https://api.tiny.example/v1/me\"\n";
std::string with_url(std::string_view more) {
  return file_with(std::string(kUrl) + std::string(more));
}
std::string with_target(std::string_view url) {
  return file_with("url = \"" + std::string(url) + "\"");
}

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> problems;
  read_service(text, "tiny.toml", problems);
  return problems;
}

CredentialKind kind_of(const std::string& text) {
  std::vector<std::string> problems;
  auto service = read_service(text, "tiny.toml", problems);
  EXPECT_THAT(problems, IsEmpty());
  return service.kinds.at(0);
}

AgentCredential credential_of(const CredentialKind& kind) {
  return {.name = "key", .kind = kind.name, .hosts = kind.hosts, .placeholder = "PLACEHOLDER"};
}

TEST(TestCall, IsThereForEveryKindThatHasASensibleOne) {
  const auto& catalogue = testing::project_catalogue();
  std::vector<std::string> without;
  for (const auto* kind : catalogue.kinds()) {
    if (!kind->test) without.push_back(kind->name);
  }
  EXPECT_THAT(without, ::testing::UnorderedElementsAre("generic", "generic-basic", "generic-query",
                                                       "slack-app", "twilio", "whatsapp-business"));
}

TEST(TestCall, OfTheProjectPutsEverySecretWhereItsKindAllows) {
  const auto& catalogue = testing::project_catalogue();
  for (const auto* kind : catalogue.kinds()) {
    if (!kind->test) continue;
    const auto credential = credential_of(*kind);
    auto [head, target] = test_request(*kind, credential);
    const Secret value = Secret::copy_of("the-secret");
    const Injection injection{.credential = &credential, .place = &test_place(*kind)};
    const auto used = inject_head(head, target, {&injection, 1}, {&credential, 1},
                                  [&](std::string_view) { return &value; });
    ASSERT_TRUE(used) << kind->name << ": " << used.error().public_detail;
    EXPECT_EQ(used->size(), 1U) << kind->name;
    EXPECT_EQ(test_for(*kind, kind->hosts), &*kind->test) << kind->name;
  }
  const auto telegram = *catalogue.find_kind("telegram");
  EXPECT_EQ(test_request(telegram, credential_of(telegram)).target.origin_form(),
            "/botPLACEHOLDER/getMe");
}

TEST(TestCall, ThatIsWrongIsNamedWithFileLineAndField) {
  EXPECT_THAT(problems_of(with_url("")), IsEmpty());
  const std::string query = R"([{ query = "key" }, { header = "*", prefix = "*" }])";
  const std::string path = R"([{ path = "/k{secret}/**" }])";
  const std::vector<std::pair<std::string, const char*>> cases = {
      {file_with(""), "tiny.toml:9: kinds[0].test.url: is missing"},
      {with_target("http://api.tiny.example/"),
       "tiny.toml:10: kinds[0].test.url: must be an https"},
      {with_target("https://api.tiny.example"), "url: must be an https URL in its canonical"},
      {with_target("https://API.tiny.example/"), "url: must be an https URL"},
      {with_target("https://u:p@api.tiny.example/"), "url: must be an https URL"},
      {with_target("https://api.tiny.example/a/../b"), "url: must be an https URL"},
      {with_target("https://127.0.0.1/"), "url: must be an https URL"},
      {with_target("https://api.other.example/"), "'api.other.example' is not a host of the kind"},
      {with_target("https://eu.tiny.example/"), "'eu.tiny.example' is not a host of the kind"},
      {with_target("https://api.tiny.example/{secret}"),
       "has {secret} where the kind has no place"},
      {file_with(kUrl, query), "has no {secret}, and the kind no field for it"},
      {file_with(kUrl, path), "has no {secret}, and the kind no field for it"},
      {file_with("url = \"https://api.tiny.example/{secret}/me\"", path), "has {secret} where"},
      {with_url("method = \"DELETE\""), "tiny.toml:11: kinds[0].test.method: must be GET or POST"},
      {with_url("method = \"POST\""), "method: POST needs without_effect = true"},
      {with_url("metod = \"GET\""), "tiny.toml:11: kinds[0].test.metod: is not a field"},
      {with_url("headers = { Authorization = \"x\" }"), "headers: 'Authorization' cannot be set"},
      {with_url("headers = { x-key = \"x\" }"), "headers: 'x-key' cannot be set"},
      {with_url("headers = { Host = \"x\" }"), "headers: 'Host' cannot be set"},
      {with_url("headers = { \"a b\" = \"x\" }"), "headers: 'a b' cannot be set"},
      {with_url("headers = { Version = \"a\\nb\" }"), "'Version' must be 1 to 200 printable"},
      {with_url("accepted = [500]"), "tiny.toml:11: kinds[0].test.accepted: must be numbers from"},
      {with_url("refused = [\"401\"]"), "refused: must be numbers from 200 to 499"},
      {with_url("refused = [200]"), "refused: has a status that is accepted"},
      {with_url("accepted_body = { pointer = \"ok\", equals = [true] }"),
       "pointer: must be a JSON"},
  };
  for (const auto& [text, problem] : cases) {
    EXPECT_THAT(problems_of(text), Contains(HasSubstr(problem))) << text;
  }
}

TEST(TestCall, NeedsAKindWithHostsOfItsOwn) {
  const std::string text =
      "name = \"free\"\ntitle = \"Free\"\n[[kinds]]\nname = \"free\"\ntitle = \"T\"\n"
      "placeholder = \"tk-{a40}\"\nplaces = [{ header = \"X-Key\" }]\n[kinds.test]\n" +
      std::string(kUrl);
  EXPECT_THAT(problems_of(text),
              Contains(HasSubstr("tiny.toml:9: kinds[0].test.url: needs a kind")));
}

TEST(TestCall, AsksForWhatTheFileSaysWithThePlaceholderInItsPlace) {
  const auto kind = kind_of(
      file_with("url = \"https://api.tiny.example:8443/v1/me?limit=1\"\nmethod = \"POST\"\n"
                "without_effect = true\nheaders = { Version = \"7\", Accept = \"text/x\" }"));
  const auto [head, target] = test_request(kind, credential_of(kind));
  EXPECT_EQ(head.method_text, "POST");
  EXPECT_EQ(target.origin_form(), "/v1/me?limit=1");
  EXPECT_EQ(kind.test->authority(), "api.tiny.example:8443");
  EXPECT_EQ(head.headers.get("version"), "7");
  EXPECT_EQ(head.headers.get("accept"), "text/x");
  EXPECT_EQ(head.headers.count("accept"), 1U);
  EXPECT_EQ(head.headers.get("x-key"), "Key PLACEHOLDER");
}

TEST(TestCall, IsNotForACredentialThatIsBoundToOtherHosts) {
  const auto kind = kind_of(with_url(""));
  const std::vector<std::string> others{"eu.tiny.example"};
  const std::vector<std::string> wild{"*.tiny.example"};
  EXPECT_EQ(test_for(kind, others), nullptr);
  EXPECT_EQ(test_for(kind, {}), nullptr);
  EXPECT_EQ(test_for(kind, wild), &*kind.test);
}

TEST(TestCall, JudgesByStatus) {
  const auto kind = kind_of(with_url("accepted = [200, 204]\nrefused = [400, 401]"));
  const auto judged = [&](int status) { return judge(*kind.test, status, ""); };
  EXPECT_EQ(judged(200), TestReason::kAccepted);
  EXPECT_EQ(judged(204), TestReason::kAccepted);
  EXPECT_EQ(judged(400), TestReason::kRejected);
  EXPECT_EQ(judged(401), TestReason::kRejected);
  EXPECT_EQ(judged(403), TestReason::kNotAllowed);
  EXPECT_EQ(judged(404), TestReason::kUnexpectedAnswer);
  EXPECT_EQ(judged(302), TestReason::kUnexpectedAnswer);
  EXPECT_EQ(judged(429), TestReason::kRateLimited);
  EXPECT_EQ(judged(500), TestReason::kServiceTrouble);
  EXPECT_EQ(judged(503), TestReason::kServiceTrouble);
  EXPECT_FALSE(judges_body(*kind.test, 200));
}

TEST(TestCall, JudgesByTheBodyWhereTheServiceSaysNoUnder200) {
  const auto& slack = *testing::project_catalogue().find_kind("slack")->test;
  const auto judged = [&](std::string_view body) { return judge(slack, 200, body); };
  EXPECT_TRUE(judges_body(slack, 200));
  EXPECT_FALSE(judges_body(slack, 401));
  EXPECT_EQ(judged(R"({"ok": true, "team": "x"})"), TestReason::kAccepted);
  EXPECT_EQ(judged(R"({"ok": false, "error": "invalid_auth"})"), TestReason::kRejected);
  EXPECT_EQ(judged(R"({"ok": false, "error": "fatal_error"})"), TestReason::kUnexpectedAnswer);
  EXPECT_EQ(judged("<html>"), TestReason::kUnexpectedAnswer);
  EXPECT_EQ(judged(""), TestReason::kUnexpectedAnswer);
  EXPECT_EQ(judge(slack, 401, ""), TestReason::kRejected);
}

TEST(TestReasons, HaveOneNameEachAndAVerdict) {
  for (int i = 0; i < domain::kTestReasons; ++i) {
    const auto reason = static_cast<TestReason>(i);
    EXPECT_EQ(domain::parse_test_reason(domain::to_string(reason)), reason);
    EXPECT_FALSE(domain::to_string(domain::verdict_of(reason)).empty());
  }
  EXPECT_FALSE(domain::parse_test_reason("great"));
}

}  // namespace
}  // namespace deployclaw::services
