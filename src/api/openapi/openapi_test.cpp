#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <set>

#include "api/openapi/document.hpp"
#include "api/openapi/schema.hpp"
#include "api/testing/contract.hpp"
#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using ::testing::IsEmpty;
using ::testing::SizeIs;

json::value document() { return json::parse(openapi::document()); }

TEST(OpenApi, NamesExactlyTheRoutesThatAreServed) {
  testing::Fixture api;
  std::set<std::string> served;
  for (const auto* route : api.server->router().routes()) {
    std::string method(http::to_string(route->method));
    for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    served.insert(method + " " + testing::openapi_path(route->pattern) + " " +
                  route->info.operation_id);
  }
  std::set<std::string> described;
  const auto whole = document();
  for (const auto& path : whole.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      const std::string_view id = operation.value().at("operationId").as_string();
      described.insert(std::string(operation.key()) + " " + std::string(path.key()) + " " +
                       std::string(id));
    }
  }
  EXPECT_EQ(served, described);
}

TEST(OpenApi, IsServedToEverybody) {
  testing::Fixture api;
  testing::Client anyone(api);
  const auto answer = anyone.get("/api/openapi.json");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.string_at("openapi"), "3.1.0");
  EXPECT_EQ(answer.body, document());
}

// Every $ref leads somewhere, every path parameter is declared.
void expect_sound(const json::value& whole, const json::value& part) {
  if (const auto* object = part.if_object()) {
    if (const auto* ref = object->if_contains("$ref")) {
      boost::system::error_code error;
      const std::string_view target = ref->as_string();
      EXPECT_NE(whole.find_pointer(target.substr(1), error), nullptr) << target;
    }
    for (const auto& member : *object) expect_sound(whole, member.value());
  } else if (const auto* array = part.if_array()) {
    for (const auto& item : *array) expect_sound(whole, item);
  }
}

TEST(OpenApi, ItsReferencesLeadSomewhere) {
  const auto whole = document();
  expect_sound(whole, whole);
}

TEST(Schema, FindsEveryKindOfMistake) {
  const auto whole = json::parse(R"({"s": {"type": "object", "additionalProperties": false,
    "required": ["a"], "properties": {
      "a": {"type": "integer", "minimum": 1, "maximum": 3},
      "b": {"type": ["string", "null"], "maxLength": 2},
      "c": {"enum": ["x", "y"]},
      "d": {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 1,
            "uniqueItems": true},
      "e": {"oneOf": [{"type": "string"}, {"type": "null"}]},
      "f": {"type": "string", "format": "date-time"},
      "g": {"type": "string", "pattern": "^[a-z]+$"},
      "h": {"type": "object", "propertyNames": {"enum": ["k"]}, "additionalProperties": {"type": "integer"}}}}})");
  const auto mistakes = [&whole](std::string_view text) {
    return openapi::schema_mistakes(whole, json::parse(R"({"$ref": "#/s"})"), json::parse(text));
  };
  EXPECT_THAT(
      mistakes(R"({"a": 2, "b": null, "c": "x", "d": ["3b241101-e2bb-4255-8caf-4136c566a962"],
    "e": null, "f": "2026-11-24T00:00:00Z", "g": "abc", "h": {"k": 1}})"),
      IsEmpty());
  for (const char* bad :
       {R"({})", R"({"a": 0})", R"({"a": 4})", R"({"a": 1.5})", R"({"a": "1"})", R"([])",
        R"({"a": 1, "b": "abc"})", R"({"a": 1, "b": 5})", R"({"a": 1, "c": "z"})",
        R"({"a": 1, "d": ["no-uuid"]})", R"({"a": 1, "f": "yesterday"})", R"({"a": 1, "g": "A"})",
        R"({"a": 1, "h": {"j": 1}})", R"({"a": 1, "h": {"k": "1"}})", R"({"a": 1, "z": 1})"}) {
    EXPECT_THAT(mistakes(bad), SizeIs(1)) << bad;
  }
  EXPECT_FALSE(mistakes(R"({"a": 1, "e": 5})").empty());
}

TEST(Schema, AKeywordThatNobodyChecksIsAMistake) {
  const auto nothing = json::parse("{}");
  EXPECT_THAT(
      openapi::schema_mistakes(nothing, json::parse(R"({"multipleOf": 2})"), json::value(3)),
      SizeIs(1));
}

}  // namespace
}  // namespace deployclaw::api
