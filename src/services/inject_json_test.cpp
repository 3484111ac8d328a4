#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/json_locate.hpp"
#include "services/testing/injection_fixture.hpp"

namespace deployclaw::services {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using InjectionTest = testing::InjectionTest;

constexpr std::string_view kDiscordFake = "MTfakefakefakefakefakefake.Gabcde.fakefakefake";

TEST_F(InjectionTest, ATextMessageGetsItsSecretAndKeepsEveryOtherByte) {
  give("discord", std::string(kDiscordFake), "real\"to\\ken");
  const std::string before = "{ \"op\" : 2,\"d\":{\"intents\":[1, {\"token\":\"x\"}], \"token\":\"";
  std::string message = before + std::string(kDiscordFake) + "\", \"z\":1e5 } }\n";
  const auto used = inject_message(message, injections(), credentials_, source());
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_THAT(*used, ElementsAre("discord"));
  EXPECT_EQ(message, before + "real\\\"to\\\\ken\", \"z\":1e5 } }\n");
  std::string heartbeat = R"({"op":1,"d":251})";
  EXPECT_THAT(*inject_message(heartbeat, injections(), credentials_, source()), IsEmpty());
  EXPECT_EQ(heartbeat, R"({"op":1,"d":251})");
}

TEST_F(InjectionTest, AMessageWithAPlaceholderElsewhereIsRefused) {
  give("discord", std::string(kDiscordFake), "real-token");
  const std::string fake(kDiscordFake);
  for (const auto& text :
       {"{\"d\":{\"content\":\"" + fake + "\"}}", "{\"d\":{\"token\":\"x" + fake + "\"}}",
        "{\"d\":{\"token\":\"" + fake + "\",\"copy\":\"" + fake + "\"}}",
        "{\"d\":{\"" + fake + "\":1}}", "[{\"d\":{\"token\":\"" + fake + "\"}}]",
        "{\"d\":{\"token\":\"\\u004d" + fake.substr(1) + "\"}}",
        "{\"d\":{\"content\":\"\\u004d" + fake.substr(1) + "\"}}"}) {
    auto message = text;
    EXPECT_EQ(reason(inject_message(message, injections(), credentials_, source())),
              "placeholder_misplaced")
        << text;
    EXPECT_EQ(message, text);
  }
  std::string twice = "{\"d\":{\"token\":\"" + fake + "\"},\"d\":{}}";
  EXPECT_FALSE(inject_message(twice, injections(), credentials_, source()));
  std::string broken = "{\"d\":{\"token\":\"" + fake + "\"}";
  EXPECT_FALSE(inject_message(broken, injections(), credentials_, source()));
  std::string body = "{\"d\":{\"token\":\"" + fake + "\"}}";
  EXPECT_EQ(reason(inject_body(body, injections(), credentials_, source())),
            "placeholder_misplaced")
      << "a message's place is none in a body";
}

TEST(LocateJsonString, FindsWhatAPointerNames) {
  const std::string json =
      R"( {"a":{"b":[10,"x",{"c~/":"found"}],"n":null},"e":"q\"uote","a2":[[],{}]} )";
  const auto at = [&](std::string_view pointer) {
    const auto span = locate_json_string(json, pointer);
    return span ? json.substr(span->begin, span->end - span->begin) : "nothing";
  };
  EXPECT_EQ(at("/a/b/1"), "x");
  EXPECT_EQ(at("/a/b/2/c~0~1"), "found");
  EXPECT_EQ(at("/e"), "q\\\"uote");
  for (const char* none : {"/a/b/0", "/a/b/3", "/a/b/01", "/a/n", "/a", "/x", "/a/b/-", "/e/0",
                           "/a2/0/0", "/a2/1/x", "/a/b/2/c", ""}) {
    EXPECT_EQ(at(none), "nothing") << none;
  }
  EXPECT_TRUE(locate_json_string("\"root\"", ""));
}

}  // namespace
}  // namespace deployclaw::services
