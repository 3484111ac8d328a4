#include "models/answer_meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "models/testing/prices.hpp"

namespace deployclaw::models {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kStream = "text/event-stream; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kChatPath = "/v1/chat/completions";
constexpr std::string_view kMessages = "/v1/messages";

ModelCall call_to(std::string_view path, std::string body, std::string service = "openai") {
  auto opened = ModelCall::open(testing::small_prices(service), service, path, body);
  return opened.value().value();
}

ModelCall chat_call(bool asks = false) {
  return call_to(kChatPath, std::string(R"({"model":"small","stream":true,"max_tokens":4000)") +
                                (asks ? R"(,"stream_options":{"include_usage":true}})" : "}"));
}

struct Read {
  std::string out;
  std::optional<MicroDollars> spent;
  Tokens tokens;
  MicroDollars at_most = 0;
  bool cut = false;
};

// The whole answer, in pieces of `step` bytes.
Read read(const ModelCall& call, std::string_view answer, std::string_view type = kStream,
          std::size_t step = 1 << 20, int status = 200, bool whole = true,
          MicroDollars grant = 1'000'000) {
  AnswerMeter meter(call, grant, status, type);
  Read result;
  do {
    const auto piece = answer.substr(0, step);
    answer.remove_prefix(piece.size());
    if (!meter.take(piece, whole && answer.empty(), result.out)) break;
  } while (!answer.empty());
  result.spent = meter.spent();
  result.tokens = meter.tokens();
  result.at_most = meter.at_most();
  result.cut = meter.was_cut();
  return result;
}

const std::string kChatStart =
    R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null})"
    "\n\n"
    R"(data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null})"
    "\n\n";
const std::string kChatUsage =
    R"(data: {"id":"c","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"prompt_tokens_details":{"cached_tokens":400}}})"
    "\n\n";
const std::string kDone = "data: [DONE]\n\n";

const std::string kClaude =
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":100,"cache_creation_input_tokens":40,"cache_read_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":10},"output_tokens":1}}})"
    "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}})"
    "\n\nevent: message_delta\n"
    R"(data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":20}})"
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

TEST(AnswerMeterTest, CountsAStreamOfChatCompletionsAndHidesTheUsageNobodyAskedFor) {
  const auto call = chat_call();
  const auto result = read(call, kChatStart + kChatUsage + kDone);
  EXPECT_EQ(result.out, kChatStart + kDone);
  EXPECT_EQ(result.tokens, (Tokens{.input = 600, .cached_input = 400, .output = 50}));
  EXPECT_EQ(result.spent, 600U + 40 + 500);
}

TEST(AnswerMeterTest, PassesTheUsageOnThatTheAgentAskedFor) {
  const auto call = chat_call(true);
  const auto result = read(call, kChatStart + kChatUsage + kDone);
  EXPECT_EQ(result.out, kChatStart + kChatUsage + kDone);
  EXPECT_EQ(result.spent, 1140U);
}

TEST(AnswerMeterTest, ReadsTheSameHoweverItIsSplitAndHoldsBackNoEventThatIsWhole) {
  const auto call = chat_call();
  const auto text = ": comment\r\n\r\n" + kChatStart + kChatUsage + "data: [DONE]\r\n\r\n";
  const auto whole = read(call, text);
  for (std::size_t step = 1; step < text.size(); ++step) {
    const auto parts = read(call, text, kStream, step);
    EXPECT_EQ(parts.out, whole.out) << step;
    EXPECT_EQ(parts.spent, whole.spent) << step;
  }
  AnswerMeter meter(call, 1'000'000, 200, kStream);
  std::string out;
  EXPECT_TRUE(meter.take(": comment\r\n\r\n", false, out));
  EXPECT_EQ(out, ": comment\r\n\r\n");
}

TEST(AnswerMeterTest, WithoutUsageNobodyKnows) {
  const auto call = chat_call();
  EXPECT_EQ(read(call, kChatStart + kDone).spent, std::nullopt);
  EXPECT_EQ(read(call, kChatStart +
                           "data: {\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}"
                           "\n\n" +
                           kDone)
                .spent,
            std::nullopt);
}

TEST(AnswerMeterTest, AnAnswerThatIsCutShortCostsTheGrant) {
  const auto call = chat_call();
  EXPECT_EQ(read(call, kChatStart + kChatUsage, kStream, 100, 200, false).spent, std::nullopt);
  const auto claude =
      call_to(kMessages, R"({"model":"small","stream":true,"max_tokens":9})", "anthropic");
  const auto half = kClaude.substr(0, kClaude.find("event: message_delta"));
  EXPECT_EQ(read(claude, half).spent, std::nullopt);
}

TEST(AnswerMeterTest, CountsAnthropicsStreamAndLowersWhatItMayCostOnceTheInputIsKnown) {
  const auto call =
      call_to(kMessages, R"({"model":"small","stream":true,"max_tokens":100})", "anthropic");
  const auto result = read(call, kClaude);
  EXPECT_EQ(result.out, kClaude);
  EXPECT_EQ(result.tokens, (Tokens{.input = 100,
                                   .cached_input = 1000,
                                   .cache_write = 30,
                                   .cache_write_hour = 10,
                                   .output = 20}));
  EXPECT_EQ(result.spent, 458U);  // 100 + 100 + 37.5 + 20 + 200, rounded up

  AnswerMeter meter(call, call.wanted(), 200, kStream);
  std::string out;
  EXPECT_EQ(meter.at_most(), call.wanted());
  EXPECT_TRUE(meter.take(kClaude.substr(0, kClaude.find("event: ping")), false, out));
  EXPECT_EQ(meter.at_most(), 258U + 1000);
  EXPECT_EQ(meter.spent(), std::nullopt);
}

TEST(AnswerMeterTest, CountsWholeAnswersOfEachDialect) {
  const auto chat = call_to(kChatPath, R"({"model":"small","max_tokens":100})");
  EXPECT_EQ(read(chat,
                 R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],)"
                 R"("usage":{"prompt_tokens":10,"completion_tokens":5}})",
                 kJson, 3)
                .spent,
            60U);
  const auto responses = call_to("/v1/responses", R"({"model":"small"})");
  EXPECT_EQ(read(responses,
                 R"({"status":"completed","usage":{"input_tokens":10,)"
                 R"("input_tokens_details":{"cached_tokens":10},"output_tokens":5}})",
                 kJson)
                .spent,
            51U);
  const auto claude = call_to(kMessages, R"({"model":"small","max_tokens":100})");
  EXPECT_EQ(read(claude,
                 R"({"type":"message","stop_reason":"end_turn",)"
                 R"("usage":{"input_tokens":10,"output_tokens":5}})",
                 kJson)
                .spent,
            60U);
  const auto gemini = call_to("/v1beta/models/small:generateContent", "{}", "gemini");
  EXPECT_EQ(read(gemini,
                 R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":)"
                 R"({"promptTokenCount":10,"candidatesTokenCount":5,)"
                 R"("thoughtsTokenCount":7,"totalTokenCount":22}})",
                 kJson)
                .spent,
            130U);
  const auto embed = call_to("/v1/embeddings", R"({"model":"embed"})");
  EXPECT_EQ(read(embed,
                 R"({"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":1000000,)"
                 R"("total_tokens":1000000}})",
                 kJson)
                .spent,
            100'000U);
}

TEST(AnswerMeterTest, CountsStreamsOfResponsesAndGemini) {
  const auto responses = call_to("/v1/responses", R"({"model":"small","stream":true})");
  const std::string events =
      "event: response.created\n"
      R"(data: {"type":"response.created","response":{"usage":null}})"
      "\n\nevent: response.completed\n"
      R"(data: {"type":"response.completed","response":{"usage":{"input_tokens":10,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":4}}}})"
      "\n\n";
  EXPECT_EQ(read(responses, events).spent, 60U);
  EXPECT_EQ(read(responses, events).out, events);

  const auto gemini = call_to("/v1beta/models/small:streamGenerateContent", "{}", "gemini");
  const std::string chunks =
      R"(data: {"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12}})"
      "\r\n\r\n"
      R"(data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}})"
      "\r\n\r\n";
  EXPECT_EQ(read(gemini, chunks).spent, 60U);
  EXPECT_EQ(read(gemini, chunks.substr(0, chunks.find("\r\n\r\n") + 4)).spent, std::nullopt);
  const std::string list =
      R"([{"usageMetadata":{"promptTokenCount":10}},{"candidates":[{"finishReason":"STOP"}],)"
      R"("usageMetadata":{"promptTokenCount":10,"totalTokenCount":15}}])";
  EXPECT_EQ(read(gemini, list, kJson, 5).spent, 60U);
}

// xAI counts reasoning beside the completion; only the total has all of it.
TEST(AnswerMeterTest, CountsReasoningThatStandsBesideTheCompletion) {
  const auto call = call_to(kChatPath, R"({"model":"small","max_tokens":1000})", "xai");
  EXPECT_EQ(
      read(call, R"({"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}})", kJson)
          .spent,
      360U);
}

TEST(AnswerMeterTest, WhatAModelSaysIsNoUsage) {
  const auto call = call_to(kChatPath, R"({"model":"small","max_tokens":1000})");
  const auto result = read(call,
                           R"({"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":1}",)"
                           R"("usage":{"prompt_tokens":1,"completion_tokens":1}}}],)"
                           R"("usage":{"prompt_tokens":10,"completion_tokens":5}})",
                           kJson);
  EXPECT_EQ(result.spent, 60U);
}

TEST(AnswerMeterTest, ARefusedCallCostsNothing) {
  const auto call = chat_call();
  for (const int status : {400, 401, 403, 404, 413, 422, 429, 500, 503, 529}) {
    EXPECT_EQ(read(call, R"({"error":{}})", kJson, 4, status).spent, 0U) << status;
  }
  for (const int status : {200, 201, 302, 402, 409}) {
    EXPECT_EQ(read(call, R"({"error":{}})", kJson, 4, status).spent, std::nullopt) << status;
  }
}

TEST(AnswerMeterTest, AnotherTierCostsTheGrant) {
  const auto call = call_to(kChatPath, R"({"model":"small","max_tokens":1000})");
  EXPECT_EQ(read(call,
                 R"({"service_tier":"priority",)"
                 R"("usage":{"prompt_tokens":10,"completion_tokens":5}})",
                 kJson)
                .spent,
            std::nullopt);
}

TEST(AnswerMeterTest, CutsAStreamThatUsedUpItsGrantWithAnErrorOfItsService) {
  const auto call =
      call_to(kMessages, R"({"model":"small","stream":true,"max_tokens":100})", "anthropic");
  const auto result = read(call, kClaude, kStream, 7, 200, true, 400);
  EXPECT_TRUE(result.cut);
  EXPECT_EQ(result.spent, 458U);
  EXPECT_THAT(result.out, HasSubstr("\"text\":\"Hi\""));
  EXPECT_THAT(result.out, Not(HasSubstr("message_stop")));
  EXPECT_THAT(result.out, EndsWith(spend_error(Dialect::kMessages)));
  EXPECT_THAT(read(chat_call(), kChatStart + kChatUsage, kStream, 7, 200, true, 1).out,
              EndsWith("data: [DONE]\n\n"));
}

TEST(AnswerMeterTest, AnEventThatIsTooLongPassesAndCostsTheGrant) {
  const auto call = chat_call();
  const auto text = "data: {\"x\":\"" + std::string(AnswerMeter::kMostEvent + 9, 'x') + "\"}\n\n" +
                    kChatStart + kChatUsage + kDone;
  const auto result = read(call, text, kStream, 1 << 16);
  EXPECT_EQ(result.out.size(), text.size() - kChatUsage.size());
  EXPECT_EQ(result.spent, std::nullopt);
}

// However a stream is split, the agent gets the same and the same is counted.
RC_GTEST_PROP(AnswerMeterProperty, SplitsChangeNothing, ()) {
  const auto call = chat_call();
  const auto lines = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "data: x\n", "\n", "\r", "\r\n", ": c\n", "event: a\r\n", kChatUsage, kChatStart, kDone,
      "data: {\"choices\":[],\"usage\":{}}\r\n\r\n"));
  std::string text;
  for (const auto& line : lines) text += line;
  const auto whole = read(call, text);
  AnswerMeter meter(call, 1'000'000, 200, kStream);
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
    RC_ASSERT(meter.take(rest.substr(0, size), false, out));
    rest.remove_prefix(size);
  }
  meter.take({}, true, out);
  RC_ASSERT(out == whole.out);
  RC_ASSERT(meter.spent() == whole.spent);
  const auto asked = chat_call(true);
  RC_ASSERT(read(asked, text).out == text);
}

}  // namespace
}  // namespace deployclaw::models
