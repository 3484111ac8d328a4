#include "models/json_edit.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace deployclaw::models {
namespace {

using Path = std::vector<std::string_view>;

std::string at(std::string_view json, const Path& path) {
  const auto span = find_member(json, path);
  return span ? std::string(json.substr(span->begin, span->end - span->begin)) : "nothing";
}

TEST(JsonEditTest, FindsValuesOfEveryKind) {
  constexpr std::string_view kJson =
      R"( { "a" : [1, {"b":"}"}] , "c":{ "d" : -1.5e3 , "e":"x\"," },"f":null , "g":true} )";
  EXPECT_EQ(at(kJson, {"a"}), R"([1, {"b":"}"}])");
  EXPECT_EQ(at(kJson, {"c", "d"}), "-1.5e3");
  EXPECT_EQ(at(kJson, {"c", "e"}), R"("x\",")");
  EXPECT_EQ(at(kJson, {"f"}), "null");
  EXPECT_EQ(at(kJson, {"g"}), "true");
  EXPECT_EQ(at(kJson, {"b"}), "nothing");
  EXPECT_EQ(at(kJson, {"a", "b"}), "nothing");
  EXPECT_EQ(at(kJson, {"c", "x"}), "nothing");
}

TEST(JsonEditTest, FindsKeysThatAreWrittenWithEscapes) {
  EXPECT_EQ(at(R"({"max\u005ftokens":9})", {"max_tokens"}), "9");
  EXPECT_EQ(at(R"({"m\u0061x":{"\u0062":"y"}})", {"max", "b"}), R"("y")");
}

TEST(JsonEditTest, InsertsInFrontAndChangesNothingElse) {
  std::string json = R"({ "a":1})";
  const auto span = insert_member(json, {}, "n", "42");
  EXPECT_EQ(json, R"({"n":42, "a":1})");
  EXPECT_EQ(json.substr(span.begin, span.end - span.begin), "42");
  json = "{ }";
  insert_member(json, {}, "n", "{}");
  EXPECT_EQ(json, R"({"n":{} })");
  insert_member(json, Path{"n"}, "m", "1");
  EXPECT_EQ(json, R"({"n":{"m":1} })");
}

TEST(JsonEditTest, StopsAtTheEndOfWhatIsNoJson) {
  for (const auto* text : {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":\"\\",
                           "[", "{\"a\":[", "}", "{\"b\":}"}) {
    (void)at(text, {"a"});
  }
}

}  // namespace
}  // namespace deployclaw::models
