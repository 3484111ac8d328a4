// What happens around a request and its answer: trailers, interim answers, early answers,
// deadlines, agents that hang up, WebSockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "egress/testing/worker_rig.hpp"
#include "scrub/websocket_frames.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SmallOrigin;
using ::testing::StartsWith;
using testing::WorkerRig;

class WorkerExchange : public ::testing::Test {
 protected:
  WorkerExchange() { rig.configure(rig.config()); }

  std::string ask(std::string_view bytes, std::string_view last) {
    auto agent = rig.connect();
    agent.send(bytes);
    return agent.read_until(last);
  }
  static std::string code(const std::string& answer) {
    const auto body = answer.find("\r\n\r\n");
    if (body == std::string::npos) return "(no answer) " + answer;
    const auto problem = json::parse(answer.substr(body + 4)).as_object();
    return std::string(problem.at("code").as_string());
  }
  void be_patient(const Deadlines& deadlines) {
    auto config = rig.config();
    config.deadlines = deadlines;
    rig.configure(config);
  }

  WorkerRig rig;
  const std::string secret = WorkerRig::kSecret;
  // As an agent sees it: padded to the secret's length.
  const std::string replaced =
      WorkerRig::kPlaceholder +
      std::string(secret.size() - std::string(WorkerRig::kPlaceholder).size(), '*');
};

constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(WorkerExchange, TrailersOfAnAnswerArePassedOn) {
  const std::string trailers = "X-Checksum: abc\r\nGrpc-Status: 0\r\n";
  rig.origin.will_answer(
      {.pieces = {std::string(kChunked) + "2\r\nok\r\n0\r\n" + trailers + "\r\n"}});
  EXPECT_THAT(ask(rig.get("/"), "\r\n0\r\n" + trailers + "\r\n"),
              EndsWith("2\r\nok\r\n0\r\n" + trailers + "\r\n"));
}

TEST_F(WorkerExchange, TrailersOfAnAnswerAreScrubbedAndNeverFieldsOfTheHead) {
  rig.origin.will_answer(
      {.pieces = {std::string(kChunked) + "2\r\nok\r\n0\r\nX-Echo: " + secret +
                  "\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n" +
                  "Connection: close\r\nLocation: /x\r\n" + secret +
                  ": name\r\nX-Last: 1\r\n\r\n"}});
  const auto answer = ask(rig.get("/"), "X-Last: 1\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("2\r\nok\r\n0\r\nX-Echo: " + replaced + "\r\nX-Last: 1\r\n\r\n"));
  const auto outcome = rig.told(RecordKind::kOutcome);
  EXPECT_TRUE(outcome.json.at("metadata").as_object().contains("scrubbed"));
}

TEST_F(WorkerExchange, TrailersOfAnAnswerGoToNobodyWithoutChunks) {
  rig.origin.will_answer({.pieces = {std::string(kChunked) + "2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n"}});
  auto request = rig.get("/");
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  EXPECT_THAT(ask(request, "\x01end\x01"), EndsWith("\r\n\r\nok"));
}

TEST_F(WorkerExchange, TrailersOfARequestArePassedOnWithoutThoseThatMustNotBeThere) {
  const auto head =
      rig.request("POST", "/",
                  "Transfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE, X-Hop\r\n"
                  "Trailer: X-Checksum\r\n");
  ask(head +
          "2\r\nhi\r\n0\r\nX-Checksum: abc\r\nHost: evil.example.net\r\nauthorization: Bearer x\r\n"
          "Content-Length: 7\r\nX-Hop: 1\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
      "ok");
  ASSERT_EQ(rig.origin.requests().size(), 1U);
  const auto& got = rig.origin.requests()[0];
  EXPECT_THAT(got, EndsWith("\r\n\r\n2\r\nhi\r\n0\r\nX-Checksum: abc\r\n\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\nTE: trailers\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\nConnection: TE\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\nTrailer: X-Checksum\r\n"));
}

TEST_F(WorkerExchange, ATrailerOfARequestHoldsNeitherSecretNorPlaceholder) {
  for (const auto& [what, reason] :
       {std::pair<std::string, std::string>{secret, "secret_in_request"},
        {WorkerRig::kPlaceholder, "placeholder_misplaced"}}) {
    for (const auto& trailer : {"X-A: " + what, what + ": x"}) {
      const auto answer = ask(rig.request("POST", "/", "Transfer-Encoding: chunked\r\n") +
                                  "2\r\nhi\r\n0\r\n" + trailer + "\r\n\r\n",
                              "}");
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
      EXPECT_EQ(code(answer), reason);
    }
  }
  EXPECT_TRUE(rig.origin.requests().empty());
  EXPECT_THAT(rig.origin.bytes(), Not(HasSubstr(secret)));
}

TEST_F(WorkerExchange, ASecretIsNotTheNameOfAFieldEither) {
  EXPECT_EQ(code(ask(rig.request("GET", "/", secret + ": 1\r\n"), "}")), "secret_in_request");
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(WorkerExchange, ABodyThatIsNotWellFormedIsTheAgentsFault) {
  const auto answer =
      ask(rig.request("POST", "/", "Transfer-Encoding: chunked\r\n") + "2\r\nhi\r\nzz\r\n", "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(code(answer), "malformed_request");
  EXPECT_TRUE(rig.origin.requests().empty());
}

TEST_F(WorkerExchange, InterimAnswersArePassedOnScrubbedAndBounded) {
  const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Echo: ";
  rig.origin.will_answer({.pieces = {"HTTP/1.1 100 Continue\r\n\r\n", early + secret + "\r\n\r\n",
                                     SmallOrigin::with_length("ok")}});
  const auto answer = ask(rig.get("/"), "ok");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 103 "));
  EXPECT_THAT(answer, HasSubstr("\r\nLink: </a.css>; rel=preload\r\nX-Echo: " + replaced +
                                "\r\n\r\nHTTP/1.1 200 OK\r\n"));

  std::string many;
  for (int i = 0; i < 40; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  rig.origin.will_answer({.pieces = {many}, .then = SmallOrigin::Then::kHolds});
  EXPECT_THAT(ask(rig.get("/"), "}"), HasSubstr("HTTP/1.1 502 "));
}

TEST_F(WorkerExchange, AnUpstreamThatNeverAnswersIs504) {
  be_patient({.response_head = milliseconds(300)});
  rig.origin.will_answer({.pieces = {}, .then = SmallOrigin::Then::kHolds});
  const auto answer = ask(rig.get("/"), "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(code(answer), "upstream_failed");
}

// The deadline of the last piece of the body is not that of the answer.
TEST_F(WorkerExchange, AnUpstreamMayThinkLongerThanABodyMayPause) {
  be_patient({.body = milliseconds(300), .response_head = milliseconds(20'000)});
  rig.origin.will_answer(
      {.pieces = {SmallOrigin::with_length("thought")}, .delay = milliseconds(1'200)});
  auto agent = rig.connect();
  agent.send(rig.request("POST", "/", "Content-Length: 40000\r\n") + "bo");
  // The head of a body that is not small has gone before the body is whole.
  ASSERT_TRUE(rig.until([&] { return !rig.origin.bytes().empty(); }));
  agent.send(std::string(40'000 - 2, 'x'));
  EXPECT_THAT(agent.read_until("thought"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WorkerExchange, ASlowHeadIsCutOff) {
  be_patient({.head = milliseconds(300)});
  auto agent = rig.connect();
  agent.send("GET http://" + rig.origin_authority() + "/ HTTP/1.1\r\nHost: ");
  EXPECT_TRUE(agent.closed_by_server());
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(WorkerExchange, AnAgentThatClosedItsHalfStillGetsItsAnswer) {
  rig.origin.will_answer(
      {.pieces = {SmallOrigin::with_length("whole")}, .delay = milliseconds(1'500)});
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  agent.shutdown_send();
  EXPECT_THAT(agent.read_to_end(), EndsWith("whole"));
}

TEST_F(WorkerExchange, AnAgentThatHangsUpEndsItsUpstream) {
  rig.origin.will_answer({.pieces = {}, .then = SmallOrigin::Then::kHolds});
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  ASSERT_TRUE(rig.until([&] { return !rig.origin.requests().empty(); }));
  EXPECT_EQ(rig.origin.ended(), 0U);
  agent.reset();
  EXPECT_TRUE(rig.until([&] { return rig.origin.ended() == 1; }));
  const auto outcome = rig.told(RecordKind::kOutcome);
  EXPECT_EQ(outcome.json.at("outcome").as_string(), "failure");
}

// A reset while its body was still coming would take the answer away again.
TEST_F(WorkerExchange, AnAnswerBeforeTheWholeBodyIsNotLost) {
  auto agent = rig.connect();
  rig.origin.answers_at_once({.pieces = {SmallOrigin::with_length("too much")}});
  agent.send(rig.request("POST", "/", "Content-Length: 3000000\r\n") + "some");
  ASSERT_TRUE(rig.until([&] { return !rig.origin.bytes().empty(); }));
  ASSERT_TRUE(agent.send(std::string(2'000'000, '.')));
  const auto answer = agent.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, EndsWith("too much"));
}

// One that reads no more of it and closes resets the connection, with its answer in front of that.
TEST_F(WorkerExchange, AnAnswerOfAnUpstreamThatTakesNoMoreIsNotLost) {
  auto agent = rig.connect();
  rig.origin.answers_at_once(
      {.pieces = {SmallOrigin::with_length("too much")}, .then = SmallOrigin::Then::kCloses});
  agent.send(rig.request("POST", "/", "Content-Length: 30000000\r\n") + std::string(100'000, '.'));
  for (int i = 0; i < 20 && agent.send(std::string(100'000, '.')); ++i) {
  }
  EXPECT_THAT(agent.read_to_end(), EndsWith("too much"));
}

// ---- WebSockets.

std::string frame(std::string_view payload, scrub::Opcode opcode, bool fin, bool masked) {
  const scrub::FrameHeader header{.fin = fin,
                                  .opcode = opcode,
                                  .masked = masked,
                                  .mask = {7, 8, 9, 10},
                                  .length = payload.size()};
  std::string out;
  scrub::append_frame_header(out, header);
  std::string body(payload);
  if (masked) scrub::apply_mask(body.data(), body.size(), header.mask, 0);
  return out + body;
}

class WorkerWebSocket : public WorkerExchange {
 protected:
  std::string handshake() const {
    return rig.request("GET", "/ws",
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  }
  static constexpr std::string_view kSwitched =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
};

TEST_F(WorkerWebSocket, ASecretSplitOverFramesIsTurnedBack) {
  using enum scrub::Opcode;
  rig.origin.will_answer({.pieces = {std::string(kSwitched) + frame("it is " + secret.substr(0, 20),
                                                                    kText, false, false),
                                     frame("?", kPing, true, false),
                                     frame(secret.substr(20) + ".", kContinuation, true, false)}});
  const auto got = ask(handshake(), "*.");
  EXPECT_THAT(got, EndsWith(frame("it is ", kText, false, false) + frame("?", kPing, true, false) +
                            frame(replaced + ".", kContinuation, true, false)));
}

TEST_F(WorkerWebSocket, AnExtensionIsNotOffered) {
  rig.origin.will_answer(
      {.pieces = {std::string(kSwitched) + frame("hello", scrub::Opcode::kText, true, false)}});
  EXPECT_THAT(ask(handshake(), "hello"), StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(rig.origin.requests().at(0), Not(HasSubstr("Extensions")));
}

TEST_F(WorkerWebSocket, AMessageWithASecretEndsItAndTheAgentIsTold) {
  rig.origin.will_answer({.pieces = {std::string(kSwitched)}});
  auto agent = rig.connect();
  agent.send(handshake());
  agent.read_until("\r\n\r\n");
  agent.send(frame("mine: " + secret.substr(0, 30), scrub::Opcode::kText, false, true));
  agent.send(frame(secret.substr(30), scrub::Opcode::kContinuation, true, true));
  const auto told = agent.read_to_end();
  ASSERT_GT(told.size(), 4U);
  EXPECT_EQ(static_cast<unsigned char>(told[0]), 0x88);
  EXPECT_EQ(told.substr(2, 2), std::string("\x03\xf0", 2)) << "1008";
  EXPECT_THAT(told, HasSubstr("the real value"));
  const auto event = rig.told(RecordKind::kEvent);
  EXPECT_EQ(event.json.at("outcome").as_string(), "denied");
  EXPECT_TRUE(rig.until([&] { return rig.origin.ended() == 1; }));
}

TEST_F(WorkerWebSocket, ItsCloseCodesArriveOnBothSides) {
  const auto close =
      frame(std::string("\x0f\xa4", 2) + "bad token", scrub::Opcode::kClose, true, false);
  rig.origin.will_answer(
      {.pieces = {std::string(kSwitched), close}, .then = SmallOrigin::Then::kCloses});
  auto agent = rig.connect();
  agent.send(handshake());
  // Sends on while the close frame is under way.
  for (int i = 0; i < 20; ++i) agent.send(frame("busy", scrub::Opcode::kText, true, true));
  EXPECT_THAT(agent.read_to_end(), EndsWith(close));
}

TEST_F(WorkerWebSocket, TheServerMayAnswerAnAgentThatClosedItsHalf) {
  rig.origin.will_answer({.pieces = {std::string(kSwitched)}});
  auto agent = rig.connect();
  agent.send(handshake());
  agent.read_until("\r\n\r\n");
  const auto close = frame(std::string("\x03\xe8", 2), scrub::Opcode::kClose, true, true);
  agent.send(close);
  agent.shutdown_send();
  EXPECT_TRUE(rig.until([&] { return rig.origin.ended() == 1; })) << "the end is passed on";
  EXPECT_THAT(rig.origin.bytes(), EndsWith(close));
}

TEST_F(WorkerWebSocket, AHandshakeWithABodyIsNone) {
  ask(rig.request("GET", "/ws",
                  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 2\r\n") +
          "hi",
      "ok");
  EXPECT_THAT(rig.origin.requests().at(0), Not(HasSubstr("Upgrade")));
}

}  // namespace
}  // namespace deployclaw::egress
