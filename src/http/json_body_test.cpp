#include "http/json_body.hpp"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <string>

namespace deployclaw::http {
namespace {

using namespace std::string_literals;

Code code_of(std::string_view text, JsonLimits limits = {}) {
  const auto result = parse_json(text, limits);
  EXPECT_FALSE(result) << text;
  return result ? Code::kInternal : result.error().code;
}

std::string pointer_of(std::string_view text) {
  const auto result = parse_json(text);
  if (result || result.error().fields.empty()) return "none";
  return result.error().fields.front().pointer;
}

TEST(JsonBody, KeepsTheValue) {
  const std::string text =
      R"({"a":[1,-2,3.5,true,null,"x\u00e9\n"],"b":{"c":18446744073709551615}})";
  const auto value = parse_json(" \n" + text + "\t ");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(boost::json::serialize(*value),
            "{\"a\":[1,-2,3.5E0,true,null,\"x\u00e9\\n\"],\"b\":{\"c\":18446744073709551615}}");
}

TEST(JsonBody, RefusesWhatIsNotJson) {
  for (const std::string_view text : {"",           " ",
                                      "{",          "[1,]",
                                      "{\"a\":1,}", "{a:1}",
                                      "'a'",        "01",
                                      "+1",         ".5",
                                      "1.",         "NaN",
                                      "Infinity",   "-",
                                      "tru",        "[1] 2",
                                      "{} {}",      "// c\n1",
                                      "/**/1",      "\"a\nb\"",
                                      "\"\\x41\"",  "\xef\xbb\xbf{}"}) {
    EXPECT_EQ(code_of(text), Code::kMalformed) << text;
  }
}

TEST(JsonBody, RefusesBadUnicode) {
  EXPECT_EQ(code_of("\"\xff\""), Code::kMalformed);
  EXPECT_EQ(code_of("\"\xc0\xaf\""), Code::kMalformed);
  EXPECT_EQ(code_of("\"\xed\xa0\x80\""), Code::kMalformed);
  EXPECT_EQ(code_of(R"("\ud800")"), Code::kMalformed);
  EXPECT_EQ(code_of(R"("\udc00x")"), Code::kMalformed);
  EXPECT_EQ(code_of("{\"\xff\":1}"), Code::kMalformed);
}

TEST(JsonBody, RefusesNulInStringsAndKeys) {
  EXPECT_EQ(code_of(R"("a\u0000b")"), Code::kMalformed);
  EXPECT_EQ(code_of(R"({"a\u0000":1})"), Code::kMalformed);
  EXPECT_EQ(code_of("\"a\0b\""s), Code::kMalformed);
}

TEST(JsonBody, NamesADuplicateKey) {
  EXPECT_EQ(code_of(R"({"a":1,"a":2})"), Code::kInvalid);
  EXPECT_EQ(pointer_of(R"({"a":1,"a":2})"), "/a");
  EXPECT_EQ(pointer_of(R"({"x":[0,{"k~/":1,"b":{},"k~/":2}]})"), "/x/1/k~0~1");
  EXPECT_EQ(pointer_of(R"({"a":1,"\u0061":2})"), "/a");
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})"));
}

TEST(JsonBody, RefusesNumbersThatDoNotFit) {
  EXPECT_EQ(code_of("18446744073709551616"), Code::kInvalid);
  EXPECT_EQ(code_of("-9223372036854775809"), Code::kInvalid);
  EXPECT_EQ(code_of("100000000000000000000000000000"), Code::kInvalid);
  EXPECT_FALSE(parse_json("1e400"));
  EXPECT_FALSE(parse_json("-1e999999999999"));
  EXPECT_EQ(pointer_of(R"({"n":[1,99999999999999999999]})"), "/n/1");
  const auto tiny = parse_json("1e-400");
  if (tiny) {
    EXPECT_EQ(tiny->as_double(), 0.0);
  }
  EXPECT_EQ(parse_json("-9223372036854775808")->as_int64(), INT64_MIN);
}

TEST(JsonBody, LimitsDepthAndSize) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(32)));
  EXPECT_EQ(code_of(nested(33)), Code::kMalformed);
  EXPECT_EQ(code_of(std::string(1000000, '[')), Code::kMalformed);
  EXPECT_EQ(code_of("\"1234567890\"", {.max_bytes = 11}), Code::kTooLarge);
  EXPECT_TRUE(parse_json("\"1234567890\"", {.max_bytes = 12}));
}

TEST(JsonBody, EnforcesTheContentType) {
  const auto with = [](std::string type) {
    Request request;
    request.body = "{}";
    if (!type.empty()) request.headers.add("content-TYPE", std::move(type));
    return json_object_body(request);
  };
  for (const char* good :
       {"application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\""}) {
    EXPECT_TRUE(with(good)) << good;
  }
  for (const char* bad : {"", "text/plain", "application/jsonx", "application/json; charset=latin1",
                          "application/json, text/plain", "application/x-www-form-urlencoded"}) {
    const auto result = with(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, Code::kUnsupported) << bad;
  }
  Request twice;
  twice.body = "{}";
  twice.headers.add("Content-Type", "application/json");
  twice.headers.add("Content-Type", "application/json");
  EXPECT_FALSE(json_object_body(twice));
}

TEST(JsonBody, WantsAnObject) {
  Request request;
  request.headers.add("Content-Type", "application/json");
  for (const char* body : {"[]", "1", "null", "\"a\""}) {
    request.body = body;
    const auto result = json_object_body(request);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kInvalid);
  }
}

}  // namespace
}  // namespace deployclaw::http
