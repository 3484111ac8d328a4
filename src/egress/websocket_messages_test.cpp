#include "egress/websocket_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/testing/project_catalogue.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using scrub::FrameHeader;
using scrub::FrameReader;
using scrub::FrameStep;
using scrub::Opcode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSecret = "real.discord-token_0123456789abcdefghijklmn";
constexpr std::string_view kPlaceholder =
    "MTabcdefghijklmnopqrstuvwx.Gabcde.0123456789abcdefghijklmnop";

struct Frame {
  Opcode opcode = Opcode::kText;
  bool fin = true;
  std::string payload;
  bool operator==(const Frame&) const = default;
};

std::string wire(const std::vector<Frame>& frames, bool masked) {
  std::string out;
  for (const auto& frame : frames) {
    const FrameHeader header{.fin = frame.fin,
                             .opcode = frame.opcode,
                             .masked = masked,
                             .mask = {1, 2, 3, 250},
                             .length = frame.payload.size()};
    scrub::append_frame_header(out, header);
    auto payload = frame.payload;
    if (masked) scrub::apply_mask(payload.data(), payload.size(), header.mask, 0);
    out += payload;
  }
  return out;
}

// The frames of `bytes`, the last one as far as it goes.
std::vector<Frame> frames_of(std::string bytes, FrameReader::Sender sender) {
  FrameReader reader(sender);
  std::vector<Frame> frames;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto step = reader.step(rest);
    EXPECT_TRUE(step) << (step ? "" : step.error().message);
    if (!step) break;
    const auto& header = reader.header();
    if (step->kind == FrameStep::Kind::kFrameStart) {
      frames.push_back({header.opcode, header.fin, ""});
    } else if (step->kind == FrameStep::Kind::kPayload) {
      std::string plain(rest.substr(0, step->consumed));
      if (header.masked) {
        scrub::apply_mask(plain.data(), plain.size(), header.mask, step->offset);
      }
      frames.back().payload += plain;
    }
    rest.remove_prefix(step->consumed);
  }
  return frames;
}

// The payload of the data frames, one string for each message, and the control frames.
struct Messages {
  std::vector<std::string> data;
  std::vector<Frame> control;
};
Messages messages_of(const std::vector<Frame>& frames) {
  Messages out;
  for (const auto& frame : frames) {
    if (scrub::is_control(frame.opcode)) {
      out.control.push_back(frame);
    } else if (frame.opcode == Opcode::kContinuation) {
      out.data.back() += frame.payload;
    } else {
      out.data.push_back(frame.payload);
    }
  }
  return out;
}

std::shared_ptr<const AgentContext> make_context() {
  WorkerConfig config;
  config.version = 1;
  config.active = true;
  WorkerAgent agent;
  agent.id = AgentId::random();
  agent.permissions =
      json::object{{"scopes", json::array{"messaging:send"}}, {"allowedDomains", json::array{}}};
  agent.credentials.push_back({.name = "bot",
                               .kind = "discord",
                               .hosts = {"discord.com", "gateway.discord.gg"},
                               .placeholder = std::string(kPlaceholder),
                               .value = Secret::copy_of(kSecret)});
  const auto id = agent.id;
  config.agents.push_back(std::move(agent));
  std::vector<std::string> problems;
  auto contexts = compile_agents(services::testing::project_catalogue(), config, problems);
  EXPECT_TRUE(problems.empty()) << problems[0];
  return contexts.at(id);
}

class WebSocketMessages : public ::testing::Test {
 protected:
  // In pieces of `step` bytes.
  static Status feed(MessageReader& reader, std::string bytes, std::size_t step, std::string& out) {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      auto taken = reader.take(bytes.data() + at, std::min(step, bytes.size() - at), out);
      if (!taken) return taken;
    }
    return {};
  }

  std::vector<Frame> answered(const std::vector<Frame>& frames, std::size_t step = 1 << 20) {
    AnswerMessages answers(context->response_patterns);
    std::string out;
    const auto fed = feed(answers, wire(frames, false), step, out);
    EXPECT_TRUE(fed) << (fed ? "" : fed.error().public_detail);
    hits = answers.hits();
    return frames_of(out, FrameReader::Sender::kServer);
  }

  Status ask(const std::vector<Frame>& frames, std::string& out, std::size_t step = 1 << 20,
             std::vector<services::Injection> injections = {}) {
    RequestMessages requests(context, std::move(injections), clock);
    return feed(requests, wire(frames, true), step, out);
  }

  ManualClock clock;
  std::shared_ptr<const AgentContext> context = make_context();
  std::vector<scrub::Hit> hits;
  const std::string secret{kSecret};
  // As many bytes as the secret.
  const std::string replaced = std::string(kPlaceholder).substr(0, kSecret.size());
};

TEST_F(WebSocketMessages, PassAsTheyAreWhenNothingIsInThem) {
  const std::vector<Frame> frames{{Opcode::kText, true, "hello"},
                                  {Opcode::kBinary, false, "a,"},
                                  {Opcode::kPing, true, "p"},
                                  {Opcode::kContinuation, false, "b,"},
                                  {Opcode::kContinuation, true, "c,"},
                                  {Opcode::kText, true, ""},
                                  {Opcode::kClose, true, std::string("\x03\xe8", 2) + "bye"}};
  EXPECT_EQ(answered(frames), frames);
  std::string out;
  ASSERT_TRUE(ask(frames, out));
  EXPECT_EQ(frames_of(out, FrameReader::Sender::kClient), frames);
  // However it is split, the messages stay what they were.
  for (const std::size_t step : {1U, 2U, 3U, 7U}) {
    const auto got = messages_of(answered(frames, step));
    EXPECT_EQ(got.data, messages_of(frames).data);
    EXPECT_EQ(got.control, messages_of(frames).control);
    out.clear();
    ASSERT_TRUE(ask(frames, out, step));
    EXPECT_EQ(messages_of(frames_of(out, FrameReader::Sender::kClient)).data,
              messages_of(frames).data);
  }
}

TEST_F(WebSocketMessages, ASecretIsTurnedBackHoweverItIsCutIntoFrames) {
  const std::string text = "before " + secret + " after";
  const std::string wanted = "before " + replaced + " after";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{9}, text.size()}) {
      const auto second = std::min(text.size(), first + length);
      const std::vector<Frame> frames{
          {Opcode::kText, false, text.substr(0, first)},
          {Opcode::kPing, true, "still here"},
          {Opcode::kContinuation, false, text.substr(first, second - first)},
          {Opcode::kContinuation, true, text.substr(second)},
          {Opcode::kText, true, "next"}};
      for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{1} << 20}) {
        const auto got = messages_of(answered(frames, step));
        ASSERT_THAT(got.data, ::testing::ElementsAre(wanted, "next")) << first << " " << second;
        ASSERT_EQ(got.control.size(), 1U);
        ASSERT_EQ(hits.size(), 1U);
      }
    }
  }
}

TEST_F(WebSocketMessages, OnlyWhatMayBeTheBeginningOfASecretWaitsForTheNextFrame) {
  AnswerMessages answers(context->response_patterns);
  std::string out;
  ASSERT_TRUE(feed(answers, wire({{Opcode::kText, false, "said: " + secret.substr(0, 10)}}, false),
                   1 << 20, out));
  const std::vector<Frame> first{{Opcode::kText, false, "said: "}};
  EXPECT_EQ(frames_of(out, FrameReader::Sender::kServer), first);
  EXPECT_TRUE(answers.at_boundary());
  // Control frames do not wait, and it was no secret after all.
  ASSERT_TRUE(feed(answers,
                   wire({{Opcode::kPing, true, ""}, {Opcode::kContinuation, true, "!"}}, false),
                   1 << 20, out));
  const std::vector<Frame> all{{Opcode::kText, false, "said: "},
                               {Opcode::kPing, true, ""},
                               {Opcode::kContinuation, true, secret.substr(0, 10) + "!"}};
  EXPECT_EQ(frames_of(out, FrameReader::Sender::kServer), all);
}

TEST_F(WebSocketMessages, ASecretDoesNotReachFromOneMessageIntoAnother) {
  const auto half = secret.size() / 2;
  const std::vector<Frame> frames{{Opcode::kText, true, secret.substr(0, half)},
                                  {Opcode::kText, true, secret.substr(half)}};
  EXPECT_EQ(answered(frames), frames);
  std::string out;
  EXPECT_TRUE(ask(frames, out));
  // Nor when an empty frame ends the first.
  EXPECT_TRUE(ask({{Opcode::kText, false, secret.substr(0, half)},
                   {Opcode::kContinuation, true, ""},
                   {Opcode::kText, true, secret.substr(half)}},
                  out));
}

TEST_F(WebSocketMessages, AControlFrameIsLookedIntoAsAWhole) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{11}, std::size_t{1} << 20}) {
    const auto frames = answered({{Opcode::kPing, true, "x" + secret}}, step);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, "x" + replaced) << step;
    EXPECT_EQ(hits.size(), 1U);
    std::string out;
    const auto refused = ask({{Opcode::kPing, true, "x" + secret}}, out, step);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "secret_in_request");
    EXPECT_EQ(out, "");
  }
}

TEST_F(WebSocketMessages, TheAgentsMessageWithASecretIsRefusedHoweverItIsCut) {
  const std::string text = "before " + secret + " after";
  for (std::size_t first = 0; first <= text.size(); first += 3) {
    const std::vector<Frame> frames{{Opcode::kBinary, false, text.substr(0, first)},
                                    {Opcode::kPing, true, ""},
                                    {Opcode::kContinuation, false, ""},
                                    {Opcode::kContinuation, true, text.substr(first)}};
    for (const std::size_t step : {std::size_t{1}, std::size_t{1} << 20}) {
      std::string out;
      const auto refused = ask(frames, out, step);
      ASSERT_FALSE(refused) << first;
      EXPECT_EQ(refused.error().reason, "secret_in_request");
      const auto left = messages_of(frames_of(out, FrameReader::Sender::kClient));
      for (const auto& message : left.data)
        EXPECT_EQ(message, text.substr(0, message.size()).substr(0, 7));
    }
  }
}

TEST_F(WebSocketMessages, APlaceholderIsReplacedAtItsPlaceAndNowhereElse) {
  const auto decision = context->policy.decide({.host = "gateway.discord.gg",
                                                .port = 443,
                                                .tls = true,
                                                .method = "GET",
                                                .path = "/",
                                                .websocket = true});
  ASSERT_TRUE(decision.allowed) << decision.reason;
  const std::string placeholder(kPlaceholder);
  const std::string text = R"({"op":2,"d":{"token":")" + placeholder + R"("}})";
  for (const std::size_t cut : {std::size_t{0}, std::size_t{3}, std::size_t{30}, text.size()}) {
    const std::vector<Frame> frames{{Opcode::kText, false, text.substr(0, cut)},
                                    {Opcode::kContinuation, true, text.substr(cut)}};
    std::string out;
    ASSERT_TRUE(ask(frames, out, 5, decision.injections));
    const std::vector<Frame> wanted{
        {Opcode::kText, true, R"({"op":2,"d":{"token":")" + secret + R"("}})"}};
    EXPECT_EQ(frames_of(out, FrameReader::Sender::kClient), wanted);
  }
  std::string out;
  const auto elsewhere =
      ask({{Opcode::kText, true, R"({"op":2,"d":{"text":")" + placeholder + R"("}})"}}, out,
          1 << 20, decision.injections);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().reason, "placeholder_misplaced");
  const auto binary = ask({{Opcode::kBinary, true, text}}, out, 1 << 20, decision.injections);
  ASSERT_FALSE(binary);
  const auto large =
      ask({{Opcode::kText, true, std::string(RequestMessages::kMostMessage + 1, 'x')}}, out,
          1 << 20, decision.injections);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().reason, "message_too_large");
}

TEST_F(WebSocketMessages, FramesThatAreNoneEndIt) {
  AnswerMessages answers(context->response_patterns);
  std::string out;
  const auto refused = feed(answers, "\xc1\x01x", 1 << 20, out);  // a compressed message
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "websocket_malformed");
}

}  // namespace
}  // namespace deployclaw::egress
