#include "domain/sensitive_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace deployclaw::domain {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

boost::json::object object(std::string_view text) { return boost::json::parse(text).as_object(); }

TEST(SensitiveName, IsKnownInEverySpelling) {
  for (const char* yes :
       {"apiKey", "api_key", "API-KEY", "apikey", "token", "botToken", "TOKEN",
        "telegram_bot_token", "clientSecret", "secret", "password", "passphrase", "privateKey",
        "credentials", "authToken", "OPENAI_API_KEY", "APIKey", "accessKey", "authorization"}) {
    EXPECT_TRUE(is_sensitive_name(yes)) << yes;
  }
  for (const char* no : {"maxTokens", "max_tokens", "tokenizer", "name", "model", "keyboard", "key",
                         "publicKey", "secretary", "", "compass", "baseUrl"}) {
    EXPECT_FALSE(is_sensitive_name(no)) << no;
  }
}

TEST(ExtractSensitive, TakesStringsOutAtAnyDepth) {
  auto config = object(R"({"model": "m", "apiKey": "one", "maxTokens": 5, "enabledToken": true,
    "channels": [{"telegram": {"botToken": "two"}}], "secrets": {"a/b": ["three", "", 4]}})");
  std::vector<FieldError> errors;
  auto found = extract_sensitive(config, nullptr, "/config", errors);
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].pointer, "/apiKey");
  EXPECT_EQ(found[1].pointer, "/channels/0/telegram/botToken");
  EXPECT_EQ(found[2].pointer, "/secrets/a~1b/0");
  const auto text = boost::json::serialize(config);
  for (const char* secret : {"one", "two", "three"}) EXPECT_FALSE(text.contains(secret));

  for (auto& value : found) place_sealed(config, value.pointer, object(R"({"iv": "x"})"));
  EXPECT_EQ(boost::json::serialize(config.at("secrets")),
            R"({"a/b":[{"$sealed":{"iv":"x"}},"",4]})");
  boost::json::value shown = config;
  redact_sealed(shown);
  EXPECT_EQ(boost::json::serialize(shown.as_object().at("apiKey")), R"({"$sealed":true})");
  EXPECT_FALSE(boost::json::serialize(shown).contains("iv"));
}

TEST(ExtractSensitive, KeepsWhatIsStoredAtTheSamePlace) {
  const auto stored = object(R"({"a": {"token": {"$sealed": {"iv": "1"}}}, "plain": "p"})");
  auto config = object(R"({"a": {"token": {"$sealed": true}}})");
  std::vector<FieldError> errors;
  EXPECT_THAT(extract_sensitive(config, &stored, "/config", errors), IsEmpty());
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(boost::json::serialize(config), R"({"a":{"token":{"$sealed":{"iv":"1"}}}})");
}

TEST(SealedValues, AreNamedByTheirPlace) {
  const auto config = object(R"({"token": {"$sealed": {"iv": "1"}}, "plain": {"token": "t"},
    "secrets": {"a/b": ["x", {"$sealed": {"iv": "2"}}]}, "mark": {"$sealed": true}})");
  const auto found = sealed_values(config);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found.at("/token"), object(R"({"iv": "1"})"));
  EXPECT_EQ(found.at("/secrets/a~1b/1"), object(R"({"iv": "2"})"));
}

TEST(SealedValues, AreTheSameWhereTextAndPlaceAre) {
  const auto config = object(R"({"kept": {"$sealed": {"iv": "1"}}, "new": {"$sealed": {"iv": "2"}},
    "moved": {"$sealed": {"iv": "3"}}, "gone": {"$sealed": {"iv": "4"}}, "plain": "p"})");
  const auto other = object(R"({"kept": {"$sealed": {"iv": "1"}}, "new": {"$sealed": {"iv": "9"}},
    "elsewhere": {"$sealed": {"iv": "3"}}, "plain": "p"})");
  EXPECT_THAT(same_sealed(config, other), ElementsAre("/kept"));
  EXPECT_THAT(same_sealed(other, config), ElementsAre("/kept"));
  EXPECT_THAT(same_sealed(config, config), SizeIs(4));
  EXPECT_THAT(same_sealed(config, object("{}")), IsEmpty());
}

TEST(ExtractSensitive, RefusesForgedAndMisplacedMarks) {
  const auto stored = object(R"({"token": {"$sealed": {"iv": "1"}}, "plain": "p"})");
  for (const char* bad :
       {R"({"x": {"$sealed": {"iv": "1", "ciphertext": "", "tag": "", "keyVersion": 1}}})",
        R"({"x": {"$sealed": true}})", R"({"plain": {"$sealed": true}})",
        R"({"token": {"$sealed": false}})", R"({"token": {"$sealed": true, "more": 1}})",
        R"({"$sealed": true})"}) {
    auto config = object(bad);
    std::vector<FieldError> errors;
    extract_sensitive(config, &stored, "/config", errors);
    EXPECT_THAT(errors, SizeIs(1)) << bad;
    EXPECT_TRUE(errors[0].pointer.starts_with("/config")) << bad;
  }
}

TEST(ExtractSensitive, LeavesReferencesToCredentialsAsTheyAre) {
  const std::string_view text =
      R"({"channels":{"telegram":{"botToken":{"$credential":"telegram"}}},"list":[{"$credential":"a.b"}]})";
  auto config = object(text);
  std::vector<FieldError> errors;
  EXPECT_THAT(extract_sensitive(config, nullptr, "/config", errors), IsEmpty());
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(boost::json::serialize(config), text);
}

TEST(ExtractSensitive, RefusesEverythingElseUnderTheKeyOfAReference) {
  for (const char* bad :
       {R"({"x": {"$credential": 1}})", R"({"x": {"$credential": ""}})",
        R"({"x": {"$credential": "a b"}})", R"({"x": {"$credential": {"y": "z"}}})",
        R"({"token": {"$credential": "a", "more": "secret"}})", R"({"$credential": "a"})"}) {
    auto config = object(bad);
    std::vector<FieldError> errors;
    EXPECT_THAT(extract_sensitive(config, nullptr, "/config", errors), IsEmpty()) << bad;
    EXPECT_THAT(errors, SizeIs(1)) << bad;
  }
}

TEST(ExtractSensitive, RefusesAPointerTheVaultCannotName) {
  auto config = object("{\"" + std::string(300, 'k') + "\": {\"token\": \"v\"}}");
  std::vector<FieldError> errors;
  EXPECT_THAT(extract_sensitive(config, nullptr, "/config", errors), IsEmpty());
  EXPECT_THAT(errors, SizeIs(1));
}

}  // namespace
}  // namespace deployclaw::domain
