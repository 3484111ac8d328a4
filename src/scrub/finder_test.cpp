#include "scrub/finder.hpp"

#include <gtest/gtest.h>

#include "scrub/pattern_index.hpp"
#include "scrub/scrubber.hpp"
#include "scrub/testing/spellings.hpp"

namespace deployclaw::scrub {
namespace {

std::vector<PatternSource> one(std::string value, std::string placeholder = "") {
  std::vector<PatternSource> sources;
  sources.push_back(
      {.id = 7, .value = Secret::take(std::move(value)), .placeholder = std::move(placeholder)});
  return sources;
}

std::shared_ptr<const PatternSet> set_of(std::string value) {
  return PatternSet::build(one(std::move(value))).value();
}

TEST(Finder, FindsAtEverySplitAndReleasesNothingOfIt) {
  const auto set = set_of("xoxb-placeholder");
  const std::string text = "{\"text\":\"xoxb%2dplaceholder\"}";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Finder finder(set);
    const auto first = finder.scan(text.substr(0, cut), false);
    EXPECT_LE(first.ready, 9U);
    const auto second = finder.scan(text.substr(first.ready), true);
    ASSERT_TRUE(second.finding) << cut;
    EXPECT_EQ(second.finding->id, 7U);
    EXPECT_EQ(to_string(second.finding->form), "literal+percent");
    EXPECT_LE(first.ready + second.ready, 9U);
    EXPECT_EQ(finder.scan("more", true).ready, 0U);
  }
}

TEST(Finder, LetsCleanDataPass) {
  Finder finder(set_of("xoxb-placeholder"));
  EXPECT_EQ(finder.scan("xoxb-placeholdex and more.", false).ready, 26U);
  EXPECT_EQ(finder.scan("the end xoxb", false).ready, 8U);
  const auto last = finder.scan("xoxb", true);
  EXPECT_EQ(last.ready, 4U);
  EXPECT_FALSE(last.finding);
}

TEST(Finder, LooksThroughOneString) {
  const auto set = set_of("xoxb-placeholder");
  EXPECT_FALSE(find_in(*set, "Bearer xoxb-placeholde"));
  EXPECT_FALSE(find_in(*set, ""));
  EXPECT_EQ(to_string(find_in(*set, "Bearer xoxb-placeholder")->form), "literal");
  // base64("user:xoxb-placeholder"), as in basic authentication.
  EXPECT_EQ(to_string(find_in(*set, "Basic dXNlcjp4b3hiLXBsYWNlaG9sZGVy")->form), "base64");
}

TEST(Finder, FindsWhatIsTheWholeTextAndNotAByteLess) {
  testing::Speller speller(6);
  for (const std::size_t size : {8U, 9U, 10U, 50U, 67U, 68U, 200U}) {
    const std::string value = speller.text_of(testing::kKeyAlphabet, size);
    const auto set = set_of(value);
    for (const auto& text :
         {value, speller.hex(value), inner_base64(value, 0), inner_base64(value, 1),
          inner_base64(value, 2), speller.escaped(testing::Speller::Escaping::kPercent, value, 20),
          speller.escaped(testing::Speller::Escaping::kJson, value, 20)}) {
      EXPECT_TRUE(find_in(*set, text)) << text;
      EXPECT_TRUE(find_in(*set, "=" + text)) << text;
      EXPECT_TRUE(find_in(*set, text + "=")) << text;
      EXPECT_FALSE(find_in(*set, text.substr(1))) << text;
      EXPECT_FALSE(find_in(*set, text.substr(0, text.size() - 1))) << text;
    }
  }
}

TEST(PatternSet, RefusesWhatCannotBeFoundSafely) {
  const std::pair<std::string, std::string> bad[] = {
      {"7 chars", ""},
      {std::string(PatternSet::kMostBytes + 1, 'x'), ""},
      {"00000000", ""},
      {"abababababab", ""},
      {"good-value", "with space"},
      {"good-value", "with\"quote"},
      {"good-value", "with%25"},
      {"good-value", "xgood-valuex"},
  };
  for (const auto& [value, placeholder] : bad) {
    const auto set = PatternSet::build(one(value, placeholder));
    ASSERT_FALSE(set) << value;
    EXPECT_EQ(set.error().code, Code::kInvalid);
    EXPECT_EQ(set.error().message.find(value), std::string::npos) << "the message tells the value";
    EXPECT_NE(set.error().message.find('7'), std::string::npos) << "the message names the id";
  }
  EXPECT_TRUE(PatternSet::build(one("8 bytes!", "fine_place-holder.0")));
  EXPECT_TRUE(PatternSet::build({}).value()->empty());
}

TEST(PatternSet, RefusesTooMuchInAll) {
  testing::Speller speller(4);
  std::vector<PatternSource> sources;
  for (int i = 0; i < 17; ++i) {
    sources.push_back({.id = 7, .value = Secret::copy_of(speller.bytes(PatternSet::kMostBytes))});
  }
  EXPECT_FALSE(PatternSet::build(std::move(sources)));
}

TEST(PatternSet, TakesTheFirstOfEqualValues) {
  std::vector<PatternSource> sources = one("equal-value", "first");
  sources.push_back({.id = 8, .value = Secret::copy_of("equal-value"), .placeholder = "second"});
  const auto set = PatternSet::build(std::move(sources)).value();
  EXPECT_EQ(find_in(*set, "equal-value")->id, 7U);
}

TEST(PatternSet, FindsTheLongestValueItAllows) {
  testing::Speller speller(5);
  const std::string value = speller.bytes(PatternSet::kMostBytes);
  const auto set = set_of(value);
  EXPECT_TRUE(find_in(*set, "<" + value + ">"));
  EXPECT_EQ(to_string(find_in(*set, speller.hex(value))->form), "hex");
  EXPECT_EQ(to_string(find_in(*set, speller.base64(value))->form), "base64");
}

}  // namespace
}  // namespace deployclaw::scrub
