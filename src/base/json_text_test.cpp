#include "base/json_text.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

namespace deployclaw {
namespace {

namespace json = boost::json;

TEST(JsonText, WritesWhatATreeWouldSay) {
  JsonText text;
  text.begin_object();
  text.key("name").string("a \"quoted\" one");
  text.key("port").number(443);
  text.key("least").number(std::numeric_limits<std::int64_t>::min());
  text.key("tls").boolean(true);
  text.key("nothing").null();
  text.key("perhaps").string_or_null(std::nullopt);
  text.key("names").begin_array().string("x").string("y").end_array();
  text.key("inner").begin_object().key("raw").raw("[1,2]").end_object();
  text.key("empty").begin_object().end_object();
  text.end_object();
  const json::value expected = {{"name", "a \"quoted\" one"},
                                {"port", 443},
                                {"least", std::numeric_limits<std::int64_t>::min()},
                                {"tls", true},
                                {"nothing", nullptr},
                                {"perhaps", nullptr},
                                {"names", json::array{"x", "y"}},
                                {"inner", json::object{{"raw", json::array{1, 2}}}},
                                {"empty", json::object{}}};
  EXPECT_EQ(json::parse(std::move(text).take()), expected);
}

TEST(JsonText, EveryCharacterComesBackWhereverItStands) {
  for (int c = 0; c < 0x80; ++c) {
    for (const std::size_t before : {0U, 1U, 7U, 8U, 30U}) {
      const std::string written =
          std::string(before, 'b') + static_cast<char>(c) + std::string(before, 'a') + "é€😀";
      JsonText text;
      text.string(written);
      const auto read = json::parse(std::move(text).take());
      EXPECT_EQ(std::string_view(read.as_string()), written) << "character " << c;
    }
  }
}

}  // namespace
}  // namespace deployclaw
