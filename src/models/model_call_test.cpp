#include "models/model_call.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "models/testing/prices.hpp"

namespace deployclaw::models {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr std::string_view kChat = "/v1/chat/completions";

struct Opened {
  Result<std::optional<ModelCall>> call;
  std::string body;
  [[nodiscard]] const ModelCall& operator*() const { return **call; }
  [[nodiscard]] bool good() const { return call && *call; }
  [[nodiscard]] std::string reason() const { return call ? "accepted" : call.error().reason; }
  [[nodiscard]] std::string detail() const { return call ? "" : call.error().public_detail; }
};

Opened open(std::string_view path, std::string body, std::string service = "openai") {
  const auto prices = testing::small_prices(service);
  auto call = ModelCall::open(prices, service, path, body);
  return {.call = std::move(call), .body = std::move(body)};
}

std::string limited(const Opened& opened, MicroDollars grant) {
  auto body = opened.body;
  (*opened).limit(body, grant);
  return body;
}

TEST(ModelCallTest, PricesTheBytesOfTheBodyAndTheOutputThatWasAskedFor) {
  const auto call = open(kChat, R"({"model":"small","max_tokens":1000,"messages":[]})");
  ASSERT_TRUE(call.good()) << call.detail();
  const std::uint64_t input = 49 + kAddedTokens;
  EXPECT_EQ((*call).request().text_bytes, 49U);
  EXPECT_EQ((*call).wanted(), input + 10'000);
  EXPECT_EQ((*call).least(), input + 2560);
  EXPECT_EQ(call.body, R"({"model":"small","max_tokens":1000,"messages":[]})");
}

TEST(ModelCallTest, AsksForNoMoreThanTheGrantPaysForAndKeepsEveryOtherByte) {
  const auto call = open(kChat, "{ \"model\" : \"small\",\n \"max_tokens\" : 1000 , \"x\":[1]}");
  ASSERT_TRUE(call.good());
  const auto grant = (*call).least();
  EXPECT_EQ((*call).output_for(grant), 256U);
  EXPECT_EQ(limited(call, grant), "{ \"model\" : \"small\",\n \"max_tokens\" : 256  , \"x\":[1]}");
  EXPECT_EQ(limited(call, (*call).wanted()), call.body);
}

TEST(ModelCallTest, PutsTheLimitInWhereThereIsNone) {
  const auto chat = open(kChat, R"({"model":"small"})");
  EXPECT_EQ(chat.body, R"({"max_completion_tokens":4000,"model":"small"})");
  const auto old = open(kChat, R"({"model":"small"})", "mistral");
  EXPECT_EQ(old.body, R"({"max_tokens":4000,"model":"small"})");
  const auto null = open(kChat, R"({"model":"small","max_tokens":null})");
  EXPECT_EQ(null.body, R"({"model":"small","max_tokens":4000})");
  const auto responses = open("/v1/responses", R"({"model":"small"})");
  EXPECT_EQ(responses.body, R"({"max_output_tokens":4000,"model":"small"})");
  const auto gemini = open("/v1beta/models/small:generateContent", R"({"contents":[]})", "gemini");
  EXPECT_EQ(gemini.body, R"({"generationConfig":{"maxOutputTokens":4000},"contents":[]})");
  const auto snake = open("/v1beta/models/small:generateContent",
                          R"({"generation_config":{"max_output_tokens":77,"x":1}})", "gemini");
  EXPECT_EQ(snake.body, R"({"generation_config":{"max_output_tokens":77,"x":1}})");
  const auto none =
      open("/v1beta/models/small:generateContent", R"({"generationConfig":null})", "gemini");
  EXPECT_EQ(none.body, R"({"generationConfig":{"maxOutputTokens":4000}})");
}

TEST(ModelCallTest, RewritesEveryLimitThereIs) {
  const auto call = open(kChat, R"({"model":"small","max_tokens":9,"max_completion_tokens":3000})");
  ASSERT_TRUE(call.good());
  EXPECT_EQ((*call).request().most_output, 3000U);
  EXPECT_EQ(limited(call, (*call).least()),
            R"({"model":"small","max_tokens":256 ,"max_completion_tokens":256 })");
}

TEST(ModelCallTest, FindsALimitThatIsWrittenWithEscapes) {
  const auto call = open(kChat, R"({"model":"small","max_\u0074okens":3000})");
  ASSERT_TRUE(call.good());
  EXPECT_EQ(limited(call, (*call).least()), R"({"model":"small","max_\u0074okens":256 })");
}

TEST(ModelCallTest, RefusesSpellingsThatCouldBeReadTwice) {
  for (const auto* body :
       {R"({"model":"small","MAX_TOKENS":9})", R"({"model":"small","maxTokens":9})",
        R"({"model":"small","max_tokens":1,"Max_Tokens":9})",
        "{\"model\":\"small\",\"max_to\xE2\x84\xAA"
        "ens\":9}",
        R"({"model":"small","Model":"x"})"}) {
    EXPECT_EQ(open(kChat, body).reason(), "invalid_model_call") << body;
  }
  EXPECT_EQ(open("/v1beta/models/small:generateContent",
                 R"({"generationConfig":{},"generation_config":{}})", "gemini")
                .reason(),
            "invalid_model_call");
  EXPECT_FALSE(open(kChat, R"({"model":"small","model":"plain"})").good());
}

TEST(ModelCallTest, RefusesLimitsThatAreNoCounts) {
  for (const auto* limit : {"0", "-1", "1.5", "1e300", "\"9\"", "true", "[]"}) {
    const auto body = R"({"model":"small","max_tokens":)" + std::string(limit) + "}";
    EXPECT_EQ(open(kChat, body).reason(), "invalid_model_call") << limit;
  }
  EXPECT_TRUE(open(kChat, R"({"model":"small","max_tokens":1e3})").good());
}

TEST(ModelCallTest, CountsEveryAnswerThatIsAskedFor) {
  const auto one = open(kChat, R"({"model":"small","max_tokens":1000,"n":1})");
  const auto five = open(kChat, R"({"model":"small","max_tokens":1000,"n":5})");
  EXPECT_EQ((*five).wanted() - (*one).wanted(), 40'000U);
  const auto prompts =
      open("/v1/completions",
           R"({"model":"small","max_tokens":100,"n":2,"best_of":3,"prompt":["a","b","c","d"]})");
  EXPECT_EQ((*prompts).request().answers, 12U);
  const auto tokens =
      open("/v1/completions", R"({"model":"small","max_tokens":100,"prompt":[1,2,3]})");
  EXPECT_EQ((*tokens).request().answers, 1U);
  const auto gemini = open("/v1beta/models/small:generateContent",
                           R"({"generationConfig":{"candidateCount":3}})", "gemini");
  EXPECT_EQ((*gemini).request().answers, 3U);
  EXPECT_FALSE(open(kChat, R"({"model":"small","n":100000})").good());
}

TEST(ModelCallTest, NeverWantsMoreThanTheModelCan) {
  const auto call = open(kChat, R"({"model":"plain","max_tokens":900000})");
  EXPECT_THAT(call.body, HasSubstr("\"max_tokens\":1000}"));
  const auto text = std::string(50'000, 'x');
  const auto large = open(kChat, R"({"model":"plain","max_tokens":1,"x":")" + text + "\"}");
  EXPECT_EQ((*large).wanted(), 8'000U * 3 + 15);
}

TEST(ModelCallTest, TakesTheDearerPriceOfALongContext) {
  const auto text = std::string(250'000, 'x');
  const auto call = open(kChat, R"({"model":"small","max_tokens":1,"x":")" + text + "\"}");
  ASSERT_TRUE(call.good());
  EXPECT_GT((*call).least(), 2U * 250'000);
}

TEST(ModelCallTest, AnUnknownModelCostsTheDearest) {
  const auto call = open(kChat, R"({"model":"new","max_tokens":10})");
  ASSERT_TRUE(call.good());
  EXPECT_EQ((*call).wanted(), 3 * (31 + kAddedTokens) + 150);
  const auto open_end = open(kChat, R"({"model":"new"})");
  EXPECT_THAT(open_end.body, HasSubstr("\"max_completion_tokens\":4000"));
}

TEST(ModelCallTest, CountsImagesByThePieceAndNotByTheirBytes) {
  const auto data = "data:image/png;base64," + std::string(100'000, 'A');
  const auto body = R"({"model":"small","max_tokens":1,"messages":[{"role":"user","content":[)"
                    R"({"type":"image_url","image_url":{"url":")" +
                    data + R"("}}]}]})";
  const auto call = open(kChat, body);
  ASSERT_TRUE(call.good());
  EXPECT_EQ((*call).request().images, 1U);
  EXPECT_LT((*call).request().text_bytes, 200U);
  const auto claude = open("/v1/messages",
                           R"({"model":"small","max_tokens":1,"messages":[{"content":[{"type":)"
                           R"("tool_result","content":[{"type":"image","source":{"data":")" +
                               std::string(100'000, 'A') + R"("}}]}]}]})",
                           "anthropic");
  EXPECT_EQ((*claude).request().images, 1U);
  EXPECT_LT((*claude).request().text_bytes, 200U);
  const auto blind = open(kChat, R"({"model":"plain","messages":[{"content":[{"type":"image_url",)"
                                 R"("image_url":{"url":"data:image/png;base64,AA"}}]}]})");
  EXPECT_EQ(blind.reason(), "model_without_price");
}

// An agent could hide its text as an image where the provider sees none.
TEST(ModelCallTest, CountsWhatOnlyLooksLikeAnImageAsText) {
  const auto fake = R"({"type":"image","source":{"data":")" + std::string(100'000, 'A') + R"("}})";
  const auto schema =
      open(kChat, R"({"model":"small","tools":[{"type":"function","function":{"parameters":)" +
                      fake + "}}]}");
  ASSERT_TRUE(schema.good()) << schema.detail();
  EXPECT_GT((*schema).request().text_bytes, 100'000U);
  const auto input = open("/v1/messages",
                          R"({"model":"small","messages":[{"content":[{"type":"tool_use","input":)"
                          R"({"content":[)" +
                              fake + "]}}]}]}",
                          "anthropic");
  EXPECT_GT((*input).request().text_bytes, 100'000U);
}

TEST(ModelCallTest, WhatIsElsewhereMayFillTheContext) {
  for (const auto* more : {R"("previous_response_id":"resp_1")",
                           R"("input":[{"content":[{"type":"input_file","file_id":"f"}]}])"}) {
    const auto call = open("/v1/responses",
                           R"({"model":"plain","max_output_tokens":1,)" + std::string(more) + "}");
    ASSERT_TRUE(call.good()) << more;
    EXPECT_EQ((*call).wanted(), 8'000U * 3 + 15) << more;
  }
}

TEST(ModelCallTest, CachingCostsWhatItCosts) {
  const auto plain = open("/v1/messages", R"({"model":"small","max_tokens":1,"system":[]})");
  const auto minutes =
      open("/v1/messages",
           R"({"model":"small","max_tokens":1,"system":[{"cache_control":{"type":"ephemeral"}}]})");
  const auto hour =
      open("/v1/messages", R"({"model":"small","max_tokens":1,"system":[{"cache_control":)"
                           R"({"type":"ephemeral","ttl":"1h"}}]})");
  EXPECT_GT((*minutes).wanted(), (*plain).wanted() * 5 / 4);
  EXPECT_GT((*hour).wanted(), (*minutes).wanted() * 3 / 2);
}

TEST(ModelCallTest, LeavesRoomForTheBudgetOfThinking) {
  const auto call = open("/v1/messages",
                         R"({"model":"small","max_tokens":4000,"thinking":{"type":"enabled",)"
                         R"("budget_tokens":2000}})",
                         "anthropic");
  ASSERT_TRUE(call.good());
  EXPECT_GT((*call).output_for((*call).least()), 2000U);
}

TEST(ModelCallTest, AsksForUsageWhereItHasToBeAsked) {
  const auto chat = open(kChat, R"({"model":"small","max_tokens":1,"stream":true})");
  EXPECT_TRUE((*chat).hides_usage());
  EXPECT_EQ(chat.body, R"({"stream_options":{"include_usage":true},"model":"small",)"
                       R"("max_tokens":1,"stream":true})");
  const auto no = open(kChat, R"({"stream_options":{"include_usage":false,"a":1},"model":"small",)"
                              R"("max_tokens":1,"stream":true})");
  EXPECT_TRUE((*no).hides_usage());
  EXPECT_THAT(no.body, HasSubstr(R"({"include_usage":true,"a":1})"));
  const auto asked = open(kChat, R"({"stream_options":{"include_usage":true},"model":"small",)"
                                 R"("max_tokens":1,"stream":true})");
  EXPECT_FALSE((*asked).hides_usage());
  EXPECT_FALSE((*open(kChat, R"({"model":"small","stream":true})", "mistral")).hides_usage());
  EXPECT_FALSE((*open("/v1/responses", R"({"model":"small","stream":true})")).hides_usage());
  EXPECT_FALSE((*open("/v1/messages", R"({"model":"small","stream":true})")).hides_usage());
  EXPECT_FALSE((*open(kChat, R"({"model":"small"})")).hides_usage());
}

TEST(ModelCallTest, BoundsThePriceThatOpenRouterMayPay) {
  constexpr std::string_view kPath = "/api/v1/chat/completions";
  const auto call = open(kPath, R"({"model":"plain","max_tokens":1})", "openrouter");
  EXPECT_THAT(call.body, HasSubstr(R"("provider":{"max_price":{"prompt":3,"completion":15}})"));
  const auto own = open(kPath,
                        R"({"model":"plain","max_tokens":1,"provider":{"sort":"latency",)"
                        R"("max_price":{"prompt":99}}})",
                        "openrouter");
  EXPECT_THAT(own.body, HasSubstr(R"("max_price":{"prompt":3,"completion":15}})"));
  EXPECT_EQ(open(kPath, R"({"model":"plain:online"})", "openrouter").reason(),
            "model_call_refused");
}

TEST(ModelCallTest, RefusesWhatCostsMoreThanItsTokens) {
  for (const auto* more :
       {R"("service_tier":"priority")", R"("background":true)", R"("web_search_options":{})",
        R"("tools":[{"type":"web_search_preview"}])", R"("tools":[{"type":"code_interpreter"}])",
        R"("tools":[{"type":"mcp","server_url":"x"}])", R"("tools":[{}])", R"("tools":{})",
        R"("plugins":[{"id":"web"}])", R"("models":["a","b"])", R"("deferred":true)",
        R"("modalities":["text","audio"])", R"("audio":{"voice":"x"})", R"("speed":"fast")",
        R"("prediction":{"content":"x"})", R"("mcp_servers":[{}])", R"("inference_geo":"us")",
        R"("search_parameters":{"mode":"auto"})", R"("tools":[{"type":"web_search_20250305"}])"}) {
    const auto call = open(kChat, R"({"model":"small",)" + std::string(more) + "}");
    EXPECT_FALSE(call.good()) << more;
    EXPECT_FALSE(call.detail().empty()) << more;
  }
  const auto gemini =
      open("/v1beta/models/small:generateContent", R"({"tools":[{"google_search":{}}]})", "gemini");
  EXPECT_EQ(gemini.reason(), "model_call_refused");
  const auto claude = open("/v1/messages", R"({"model":"small","tools":[{"type":"web_fetch_1"}]})");
  EXPECT_EQ(claude.reason(), "model_call_refused");
}

TEST(ModelCallTest, AcceptsWhatAgentsRunThemselves) {
  for (const auto* more :
       {R"("service_tier":"auto")", R"("background":false)", R"("plugins":[])", R"("tools":[])",
        R"("tools":[{"type":"function","function":{"name":"f"}}])", R"("store":true)",
        R"("tools":[{"type":"custom","name":"f"}])", R"("tools":null)", R"("n":null)"}) {
    EXPECT_TRUE(open(kChat, R"({"model":"small",)" + std::string(more) + "}").good()) << more;
  }
  EXPECT_TRUE(open("/v1/messages", R"({"model":"small","tools":[{"name":"f","input_schema":{}},)"
                                   R"({"type":"bash_20250124","name":"bash"}]})")
                  .good());
  EXPECT_TRUE(open("/v1beta/models/small:generateContent",
                   R"({"tools":[{"functionDeclarations":[]}]})", "gemini")
                  .good());
}

TEST(ModelCallTest, KnowsWhatIsFreeAndWhatHasNoPrice) {
  for (const auto* path : {"/v1/messages/count_tokens", "/v1/responses/input_tokens",
                           "/v1/moderations", "/v1beta/models/x:countTokens"}) {
    const auto call = open(path, "not even JSON");
    EXPECT_TRUE(call.call && !*call.call) << path;
  }
  for (const auto* path : {"/v1/audio/speech", "/v1/images/generations", "/v1/ocr", "/v1/complete",
                           "/v1/agents/completions"}) {
    EXPECT_EQ(open(path, "{}").reason(), "model_without_price") << path;
  }
  const auto embed = open("/v1/embeddings", R"({"model":"embed","input":["abc"]})");
  ASSERT_TRUE(embed.good());
  EXPECT_EQ(embed.body, R"({"model":"embed","input":["abc"]})");
  EXPECT_EQ((*embed).least(), (*embed).wanted());
}

TEST(ModelCallTest, RefusesBodiesThatCannotBeRead) {
  EXPECT_FALSE(open(kChat, "").good());
  EXPECT_FALSE(open(kChat, "{").good());
  EXPECT_FALSE(open(kChat, "[]").good());
  EXPECT_FALSE(open(kChat, "{}").good());
  EXPECT_FALSE(open(kChat, R"({"model":"a b"})").good());
}

// What a grant pays for never costs more than it, and one token more would.
RC_GTEST_PROP(ModelCallProperty, TheOutputOfAGrantCostsNoMoreThanTheGrant, ()) {
  const auto asked = *rc::gen::inRange<std::uint64_t>(1, 5000);
  const auto answers = *rc::gen::inRange<std::uint64_t>(1, 8);
  const auto padding = *rc::gen::element<std::size_t>(0, 100, 210'000);
  const auto body = R"({"model":"small","max_tokens":)" + std::to_string(asked) + R"(,"n":)" +
                    std::to_string(answers) + R"(,"x":")" + std::string(padding, 'x') + "\"}";
  const auto call = open(kChat, body);
  RC_ASSERT(call.good());
  const auto span = (*call).wanted() - (*call).least();
  const auto grant = (*call).least() + *rc::gen::inRange<std::uint64_t>(0, span + 1);
  const auto output = (*call).output_for(grant);
  const auto input = (*call).request().text_bytes + kAddedTokens;
  const auto price = [&](std::uint64_t tokens) {
    return (*call).price({.input = input, .output = tokens * answers});
  };
  RC_ASSERT(output >= 1);
  RC_ASSERT(price(output) <= grant);
  RC_ASSERT(output == std::min<std::uint64_t>(asked, 4000) || price(output + 1) > grant);
  const auto sent = limited(call, grant);
  RC_ASSERT(sent.size() == call.body.size());
  const auto parsed = json::parse(sent).as_object();
  RC_ASSERT(parsed.at("max_tokens").to_number<std::uint64_t>() == output);
}

}  // namespace
}  // namespace deployclaw::models
