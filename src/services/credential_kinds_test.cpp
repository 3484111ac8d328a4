#include "services/credential_kinds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <regex>
#include <set>

#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

unsigned counter_below(unsigned n) {
  static unsigned state = 12345;
  state = state * 1664525U + 1013904223U;
  return (state >> 16U) % n;
}

const CredentialKind& kind_named(std::string_view name) {
  const auto* kind = testing::project_catalogue().find_kind(name);
  if (kind == nullptr) throw std::logic_error("no such kind");
  return *kind;
}

TEST(CredentialKinds, PlaceholdersHaveTheSecretsShape) {
  const auto shaped = [](const char* kind, const char* shape) {
    const auto text = make_placeholder(kind_named(kind), counter_below);
    EXPECT_TRUE(std::regex_match(text, std::regex(shape))) << kind << ": " << text;
  };
  shaped("openai", "sk-[A-Za-z0-9]{48}");
  shaped("anthropic", "sk-ant-api03-[A-Za-z0-9_-]{93}AA");
  shaped("telegram", "[0-9]{10}:AA[A-Za-z0-9_-]{33}");
  shaped("slack", "xoxb-[0-9]{12}-[0-9]{13}-[A-Za-z0-9]{24}");
  shaped("slack-app", "xapp-1-A[A-Z0-9]{10}-[0-9]{13}-[0-9a-f]{64}");
  shaped("discord", "[A-Za-z0-9]{26}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{38}");
  shaped("twilio", "[0-9a-f]{32}");
  shaped("sendgrid", "SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}");
  shaped("generic", "dcph_[A-Za-z0-9]{40}");
}

TEST(CredentialKinds, PlaceholdersDifferAndResembleNoSentinel) {
  for (const auto* kind : testing::project_catalogue().kinds()) {
    std::set<std::string> seen;
    for (int i = 0; i < 50; ++i) {
      const auto text = make_placeholder(*kind, counter_below);
      EXPECT_TRUE(seen.insert(text).second) << kind->name;
      EXPECT_GE(text.size(), 32U) << kind->name;
      EXPECT_FALSE(text.contains("oc-sent") || text.contains("OPENCLAW") || text.contains('{'));
    }
  }
}

TEST(CredentialKinds, AShapeNeedsEnoughRandomness) {
  EXPECT_EQ(check_placeholder_shape("sk-{a48}"), "");
  EXPECT_EQ(check_placeholder_shape("{x32}"), "");
  for (const char* bad :
       {"", "sk-", "{x31}", "{a21}", "{q48}", "{a}", "{a48", "a48}{", "{a4x}", "oc-sent-{a48}",
        "__OPENCLAW_{a48}", "a b{a48}", "\"{a48}", "{a9999}", "{a999}", "{}{a48}"}) {
    EXPECT_NE(check_placeholder_shape(bad), "") << bad;
  }
}

std::vector<std::string> hosts(const char* kind, const char* json,
                               std::vector<FieldError>& errors) {
  if (json == nullptr) return read_credential_hosts(kind_named(kind), nullptr, "/hosts", errors);
  const auto value = boost::json::parse(json);
  return read_credential_hosts(kind_named(kind), &value, "/hosts", errors);
}

TEST(CredentialKinds, AServicesKindFixesTheHosts) {
  std::vector<FieldError> errors;
  EXPECT_THAT(hosts("openai", nullptr, errors), ElementsAre("api.openai.com"));
  EXPECT_THAT(hosts("slack", R"(["slack.com"])", errors), ElementsAre("slack.com"));
  EXPECT_THAT(errors, IsEmpty());
  hosts("openai", R"(["evil.example.com"])", errors);
  EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/hosts/0")));
}

TEST(CredentialKinds, GenericNeedsHosts) {
  std::vector<FieldError> errors;
  EXPECT_THAT(hosts("generic", R"(["API.example.com", "*.example.org"])", errors),
              ElementsAre("api.example.com", "*.example.org"));
  EXPECT_THAT(errors, IsEmpty());
  for (const char* bad : {static_cast<const char*>(nullptr), "[]", "\"a.example.com\"", "{}"}) {
    errors.clear();
    hosts("generic", bad, errors);
    EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/hosts")));
  }
  errors.clear();
  hosts("generic", R"(["a.example.com", "*.com", 5, "10.0.0.1"])", errors);
  EXPECT_THAT(errors, ElementsAre(Field(&FieldError::pointer, "/hosts/1"),
                                  Field(&FieldError::pointer, "/hosts/2"),
                                  Field(&FieldError::pointer, "/hosts/3")));
}

}  // namespace
}  // namespace deployclaw::services
