#include "http/fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

namespace deployclaw::http {
namespace {

boost::json::object object(std::string_view text) {
  return boost::json::parse(boost::json::string_view(text)).as_object();
}

// The pointers that `finish` reports, sorted.
std::vector<std::string> pointers(const Status& status) {
  std::vector<std::string> out;
  if (!status) {
    for (const auto& field : status.error().fields) out.push_back(field.pointer);
  }
  std::ranges::sort(out);
  return out;
}

using Pointers = std::vector<std::string>;

TEST(Fields, ReadsEveryKind) {
  const auto body = object(
      R"({"s":"née","i":-5,"d":1,"b":true,"e":"two","o":{"x":1},"a":[1,2],"l":["p","q"],"v":null})");
  Fields in(body);
  EXPECT_EQ(in.required_string("s", {.min = 3, .max = 3}), "née");
  EXPECT_EQ(in.required_int("i", -5, 5), -5);
  EXPECT_EQ(in.required_double("d", 0.5, 1.5), 1.0);
  EXPECT_TRUE(in.required_bool("b"));
  EXPECT_EQ(in.required_enum("e", {"one", "two"}), "two");
  auto child = in.required_child("o");
  ASSERT_TRUE(child);
  EXPECT_EQ(child->required_int("x"), 1);
  EXPECT_TRUE(child->finish());
  EXPECT_EQ(in.required_array("a")->size(), 2U);
  EXPECT_EQ(in.optional_strings("l"), (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(in.optional_value("v")->is_null());
  EXPECT_FALSE(in.optional_string("absent"));
  EXPECT_TRUE(in.finish());
}

TEST(Fields, ReportsEveryMistakeAtOnceWithItsPointer) {
  const auto body =
      object(R"({"name":"","n":1.5,"d":"x","b":1,"e":"three","a":{},"who":1,"o":{"y":2}})");
  Fields in(body);
  in.required_string("name", {.min = 1});
  in.required_string("missing");
  in.required_int("n");
  in.required_double("d");
  in.required_bool("b");
  in.required_enum("e", {"one"});
  in.required_array("a");
  auto child = in.required_child("o");
  child->required_int("x");
  (void)child->finish();
  const auto status = in.finish();
  EXPECT_EQ(pointers(status),
            (Pointers{"/a", "/b", "/d", "/e", "/missing", "/n", "/name", "/o/x", "/o/y", "/who"}));
  EXPECT_EQ(status.error().code, Code::kInvalid);
  EXPECT_EQ(status.error().reason, "validation_failed");
}

TEST(Fields, NullIsNotAbsent) {
  const auto body = object(R"({"a":null})");
  Fields in(body);
  in.optional_string("a");
  EXPECT_EQ(pointers(in.finish()), Pointers{"/a"});
}

TEST(Fields, RefusesControlCharactersInText) {
  for (const char* text :
       {R"({"a":"x\ny"})", R"({"a":"\u0007"})", R"({"a":"\u007f"})", R"({"a":"\u0085"})"}) {
    const auto body = object(text);
    Fields in(body);
    in.required_string("a");
    EXPECT_FALSE(in.finish()) << text;
    Fields lenient(body);
    lenient.required_string("a", {.allow_control = true});
    EXPECT_TRUE(lenient.finish()) << text;
  }
  const auto body = object(R"({"a":"\u00a0é"})");
  Fields in(body);
  in.required_string("a");
  EXPECT_TRUE(in.finish());
}

TEST(Fields, KeepsRanges) {
  const auto body = object(R"({"big":18446744073709551615,"low":-1,"d":0.01,"s":"abc"})");
  Fields in(body);
  in.required_int("big");
  in.required_int("low", 0, 5);
  in.required_double("d", 0.05, 8);
  in.required_string("s", {.max = 2});
  const auto status = in.finish();
  EXPECT_EQ(pointers(status), (Pointers{"/big", "/d", "/low", "/s"}));
  for (const auto& field : status.error().fields) {
    if (field.pointer == "/low") {
      EXPECT_EQ(field.detail, "must be between 0 and 5");
    }
  }
}

TEST(Fields, NamesTheBadEntryOfAList) {
  const auto body = object(R"({"l":["ok",1,""]})");
  Fields in(body, "/permissions");
  in.optional_strings("l", {.min = 1});
  EXPECT_EQ(pointers(in.finish()), (Pointers{"/permissions/l/1", "/permissions/l/2"}));
}

}  // namespace
}  // namespace deployclaw::http
