#include "egress/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "egress/testing/worker_rig.hpp"
#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SmallOrigin;
using ::testing::StartsWith;
using testing::WorkerRig;

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() { rig.configure(rig.config()); }

  // Sends a request and gives everything up to `last`.
  std::string ask(std::string_view bytes, std::string_view last) {
    auto agent = rig.connect();
    agent.send(bytes);
    return agent.read_until(last);
  }

  static std::string text(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  }
  static json::object metadata(const testing::ToldRecord& record) {
    const auto* value = record.json.if_contains("metadata");
    return value != nullptr && value->is_object() ? value->get_object() : json::object();
  }
  static json::object problem(const std::string& answer) {
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).as_object();
  }
  std::size_t count(RecordKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(rig.records(), [&](const auto& one) { return one.kind == kind; }));
  }

  WorkerRig rig;
};

TEST_F(WorkerTest, PassesARequestOnAndTellsBeforeAndAfter) {
  const auto answer = ask(rig.request("GET", "/a?b", "X-One: 1\r\n"), "ok");
  EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_EQ(rig.origin.requests().size(), 1U);
  EXPECT_EQ(rig.origin.requests()[0],
            "GET /a?b HTTP/1.1\r\nHost: " + rig.origin_authority() + "\r\nX-One: 1\r\n\r\n");
  const auto intent = rig.told(RecordKind::kIntent);
  const auto outcome = rig.told(RecordKind::kOutcome);
  EXPECT_EQ(intent.agent, rig.agent);
  EXPECT_EQ(outcome.id, intent.id);
  EXPECT_EQ(text(intent.json, "outcome"), "");
  EXPECT_EQ(text(metadata(intent), "host"), WorkerRig::kHost);
  EXPECT_EQ(text(outcome.json, "outcome"), "success");
  EXPECT_EQ(metadata(outcome).at("status"), 200);
  EXPECT_EQ(metadata(outcome).at("bytesReceived"), 2);
}

TEST_F(WorkerTest, AnswersPipelinedRequestsInOrderOverOneUpstream) {
  for (const auto* body : {"first", "second", "third"}) {
    rig.origin.will_answer({.pieces = {SmallOrigin::with_length(body)}});
  }
  const auto answer = ask(
      rig.get("/1") + rig.request("POST", "/2", "Content-Length: 4\r\n") + "body" + rig.get("/3"),
      "third");
  ASSERT_EQ(rig.origin.requests().size(), 3U);
  EXPECT_THAT(rig.origin.requests()[0], StartsWith("GET /1 "));
  EXPECT_THAT(rig.origin.requests()[1], StartsWith("POST /2 "));
  EXPECT_THAT(rig.origin.requests()[1], EndsWith("\r\n\r\nbody"));
  EXPECT_THAT(rig.origin.requests()[2], StartsWith("GET /3 "));
  const auto first = answer.find("first");
  const auto second = answer.find("second");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, answer.find("third"));
  EXPECT_EQ(rig.origin.connections(), 1U);
}

TEST_F(WorkerTest, RefusesWhatThePolicyDoesNotAdmitAndGoesOn) {
  auto agent = rig.connect();
  agent.send("GET http://evil.example.net/x HTTP/1.1\r\nHost: evil.example.net\r\n\r\n");
  const auto refused = agent.read_until("}");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(refused, HasSubstr("application/problem+json"));
  EXPECT_EQ(text(problem(refused), "code"), "egress_denied");
  EXPECT_EQ(text(problem(refused), "layer"), "domain");
  EXPECT_EQ(text(problem(refused), "host"), "evil.example.net");
  const auto event = rig.told(RecordKind::kEvent);
  EXPECT_EQ(event.agent, rig.agent);
  EXPECT_EQ(text(event.json, "outcome"), "denied");
  EXPECT_THAT(text(event.json, "target"), HasSubstr("evil.example.net"));
  EXPECT_EQ(count(RecordKind::kIntent), 0U);
  agent.send(rig.get("/"));
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

// An agent that got hold of a real secret could otherwise write it into the log as a host name.
TEST_F(WorkerTest, TellsNoSecretThatAnAgentNamesAsAHost) {
  auto agent = rig.connect();
  agent.send(std::string("CONNECT ") + rig.kSecret +
             ".example.net:443 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(agent.read_until("}"), StartsWith("HTTP/1.1 403 "));
  const auto event = rig.told(RecordKind::kEvent);
  EXPECT_EQ(text(event.json, "outcome"), "denied");
  EXPECT_THAT(json::serialize(event.json), Not(HasSubstr(rig.kSecret)));
}

TEST_F(WorkerTest, RefusesAHostFieldThatNamesAnotherHost) {
  const auto answer =
      ask("GET http://" + rig.origin_authority() + "/ HTTP/1.1\r\nHost: other.example.com\r\n\r\n",
          "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer, HasSubstr("authority_mismatch"));
  EXPECT_EQ(rig.origin.connections(), 0U);
}

// An origin that is a proxy would carry on what nobody decides upon.
TEST_F(WorkerTest, RefusesAConnectThatIsNotForTheProxy) {
  const std::string tunnel = "CONNECT " + rig.origin_authority() + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string host = " HTTP/1.1\r\nHost: " + rig.origin_authority() + "\r\n\r\n";
  for (const std::string target : {"/x", "evil.example.net:443"}) {
    const auto inside = ask(tunnel + "CONNECT " + target + host, "}");
    EXPECT_THAT(inside, HasSubstr("HTTP/1.1 400 ")) << target;
  }
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(WorkerTest, RefusesEverythingOfASuspendedClient) {
  auto config = rig.config();
  config.active = false;
  rig.configure(config);
  const auto answer = ask(rig.get("/"), "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(text(problem(answer), "layer"), "client");
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(WorkerTest, APolicyThatDoesNotCompileAdmitsNothing) {
  auto config = rig.config();
  config.agents[0].permissions = json::object{{"scopes", "everything"}};
  rig.configure(config);
  EXPECT_THAT(ask(rig.get("/"), "}"), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(rig.origin.connections(), 0U);
}

struct Hidden {
  const char* what;
  const char* reason;
};
class WorkerBodyTest : public WorkerTest, public ::testing::WithParamInterface<Hidden> {};

TEST_P(WorkerBodyTest, RefusesABodyThatHoldsItWithoutAWholeRequestLeaving) {
  const std::string body = "{\"text\":\"" + std::string(70'000, '.') + GetParam().what + "\"}";
  char size[20];
  std::snprintf(size, sizeof size, "%zx", body.size());
  const std::string sized =
      rig.request("POST", "/", "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  const std::string chunked = rig.request("POST", "/", "Transfer-Encoding: chunked\r\n") + size +
                              "\r\n" + body + "\r\n0\r\n\r\n";
  for (const auto& request : {sized, chunked}) {
    const auto answer = ask(request, "}");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
    EXPECT_EQ(text(problem(answer), "code"), GetParam().reason);
    EXPECT_THAT(answer, Not(HasSubstr(GetParam().what)));
  }
  EXPECT_TRUE(rig.origin.requests().empty());
  EXPECT_THAT(rig.origin.bytes(), Not(HasSubstr(GetParam().what)));
  const auto outcome = rig.told(RecordKind::kOutcome);
  EXPECT_EQ(text(outcome.json, "outcome"), "denied");
  for (const auto& record : rig.records()) {
    EXPECT_THAT(std::string(json::serialize(record.json)), Not(HasSubstr(WorkerRig::kSecret)));
  }
}

INSTANTIATE_TEST_SUITE_P(Both, WorkerBodyTest,
                         ::testing::Values(Hidden{WorkerRig::kPlaceholder, "placeholder_misplaced"},
                                           Hidden{WorkerRig::kSecret, "secret_in_request"}),
                         [](const auto& tested) { return std::string(tested.param.reason); });

TEST_F(WorkerTest, RefusesASecretInTheHead) {
  const auto field = std::string("X-Key: ") + WorkerRig::kSecret + "\r\n";
  const auto in_field = ask(rig.request("GET", "/", field), "}");
  EXPECT_EQ(text(problem(in_field), "code"), "secret_in_request");
  const auto in_target = ask(rig.get(std::string("/?q=") + WorkerRig::kSecret), "}");
  EXPECT_EQ(text(problem(in_target), "code"), "secret_in_request");
  EXPECT_EQ(rig.origin.connections(), 0U);
  rig.settle();
  for (const auto& record : rig.records()) {
    EXPECT_THAT(std::string(json::serialize(record.json)), Not(HasSubstr(WorkerRig::kSecret)));
  }
}

// Else one record of one agent would keep all others out of the log.
TEST_F(WorkerTest, WhateverAnAgentNamesIsToldInGoodText) {
  const std::vector<std::string> requests{
      "CONNECT \xff\xfe:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a\x80.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT " + std::string(299, 'a') + "\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://evil.example.net/%ff%00 HTTP/1.1\r\nHost: evil.example.net\r\n\r\n",
      "GET http://evil.example.net/\xff HTTP/1.1\r\nHost: evil.example.net\r\n\r\n",
      "G\xff http://evil.example.net/ HTTP/1.1\r\nHost: evil.example.net\r\n\r\n"};
  for (const auto& request : requests) {
    rig.settle();
    const auto told = rig.records().size();
    auto agent = rig.connect();
    agent.send(request);
    agent.shutdown_send();
    agent.read_to_end();
    // The rig reads a record's JSON strictly; one that is none never gets here.
    EXPECT_TRUE(rig.until([&] { return rig.records().size() > told; })) << request;
  }
}

TEST_F(WorkerTest, SendsNothingWhileTheSpoolRefuses) {
  rig.set_spool(WorkerRig::Spool::kRefuses);
  const auto answer = ask(rig.get("/"), "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(text(problem(answer), "code"), "audit_unavailable");
  EXPECT_EQ(rig.origin.connections(), 0U);
  rig.set_spool(WorkerRig::Spool::kAnswers);
  EXPECT_THAT(ask(rig.get("/"), "ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WorkerTest, SendsNothingOnceTheAuditLogIsGone) {
  ASSERT_THAT(ask(rig.get("/1"), "ok"), StartsWith("HTTP/1.1 200 "));
  rig.set_spool(WorkerRig::Spool::kIsGone);
  const auto bytes = rig.origin.bytes();
  const auto answer = ask(rig.get("/2"), "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(rig.origin.bytes(), bytes);
}

std::string chunk_of(std::string_view data) {
  std::string out;
  http::append_chunk(out, data);
  return out;
}

// The body of a whole answer, whatever its framing.
std::string body_of(std::string_view answer) {
  std::size_t from = 0;
  const auto end = http::find_head_end(answer, from);
  const auto head = http::parse_response_head(answer.substr(0, end), http::Method::kGet);
  if (!head) return "(no answer) " + std::string(answer);
  answer.remove_prefix(end);
  if (head->framing.kind == http::BodyFraming::Kind::kLength) {
    return head->framing.length == answer.size() ? std::string(answer) : "(another length)";
  }
  http::ChunkedDecoder chunks;
  std::string body;
  const auto used = chunks.feed(answer, body, answer.size() + 1);
  return used && chunks.done() && *used == answer.size() ? body : "(not well-formed)";
}

TEST_F(WorkerTest, TurnsASecretInAnAnswerBackHoweverItIsFramedAndSplit) {
  const std::string secret = WorkerRig::kSecret;
  const std::string placeholder = WorkerRig::kPlaceholder;
  const auto body = "before " + secret + " after";
  // No length changes, so the rest is padded.
  const auto wanted =
      "before " + placeholder + std::string(secret.size() - placeholder.size(), '*') + " after";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string until_close = "HTTP/1.1 200 OK\r\n\r\n";
  for (std::size_t at = 1; at < body.size(); at += 3) {
    const auto front = body.substr(0, at);
    const auto back = body.substr(at);
    const std::string sized = SmallOrigin::with_length(body);
    const auto cut = sized.size() - back.size();
    const std::vector<SmallOrigin::Answer> answers{
        {.pieces = {sized.substr(0, cut), sized.substr(cut)}},
        {.pieces = {chunked + chunk_of(front), chunk_of(back) + "0\r\n\r\n"}},
        {.pieces = {until_close + front, back}, .then = SmallOrigin::Then::kCloses}};
    for (const auto& answer : answers) {
      rig.origin.will_answer(answer);
      const auto got =
          ask(rig.request("GET", "/", "Connection: close\r\n"), "\x01until the end\x01");
      ASSERT_EQ(body_of(got), wanted) << at << ": " << answer.pieces[0];
    }
  }
  const auto outcome = rig.told(RecordKind::kOutcome);
  EXPECT_EQ(text(outcome.json, "outcome"), "success");
  const auto scrubbed = metadata(outcome).at("scrubbed").as_array();
  ASSERT_EQ(scrubbed.size(), 1U);
  EXPECT_EQ(text(scrubbed[0].as_object(), "credential"), "secret");
}

TEST_F(WorkerTest, TurnsASecretInAFieldOfTheAnswerBack) {
  rig.origin.will_answer(
      {.pieces = {std::string("HTTP/1.1 200 ") + WorkerRig::kSecret +
                  "\r\nX-Echo: " + WorkerRig::kSecret + "\r\nContent-Length: 2\r\n\r\nok"}});
  const auto answer = ask(rig.get("/"), "ok");
  EXPECT_THAT(answer, HasSubstr("X-Echo: "));
  EXPECT_THAT(answer, Not(HasSubstr("real-secret")));
}

// The agent must not take what came for the whole.
TEST_F(WorkerTest, ResetsTheAgentWhenTheUpstreamBreaksOffMidway) {
  const std::vector<SmallOrigin::Answer> answers{
      {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of"},
       .then = SmallOrigin::Then::kCloses},
      {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of"},
       .then = SmallOrigin::Then::kResets},
      {.pieces = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhalf of\r\n"},
       .then = SmallOrigin::Then::kCloses},
      {.pieces = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhalf of\r\n5\r\nx"},
       .then = SmallOrigin::Then::kResets}};
  net::CoarseTimer timer(rig.io.get_executor());
  std::size_t outcomes = 0;
  for (const auto& answer : answers) {
    rig.origin.will_answer(answer);
    auto pair = net::testing::connect_pair(rig.io, timer);
    rig.hand_over(pair.server->raw().native_handle());
    ASSERT_TRUE(net::testing::run_task(rig.io, pair.client->write_all(rig.get("/"))));
    // Our own copy would keep the connection open.
    rig.until([&] { return !rig.origin.requests().empty(); });
    pair.server.reset();
    const auto got = net::testing::run_task(rig.io, net::testing::read_to_end(*pair.client));
    EXPECT_FALSE(got) << "an orderly end: " << *got;
    ++outcomes;
    ASSERT_TRUE(rig.until([&] { return count(RecordKind::kOutcome) == outcomes; }));
    EXPECT_EQ(text(rig.records().back().json, "outcome"), "failure");
  }
}

TEST_F(WorkerTest, AnUpstreamThatSaysNothingIs502) {
  rig.origin.will_answer({.pieces = {}, .then = SmallOrigin::Then::kCloses});
  const auto answer = ask(rig.get("/"), "}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(text(rig.told(RecordKind::kOutcome).json, "outcome"), "failure");
}

TEST_F(WorkerTest, AnEndlessAnswerEndsWhenTheNewPolicyDoesNotAdmitIt) {
  for (const bool suspended : {false, true}) {
    rig.configure(rig.config());
    const auto outcomes = count(RecordKind::kOutcome);
    rig.origin.will_answer(
        {.pieces = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n"},
         .then = SmallOrigin::Then::kHolds});
    auto agent = rig.connect();
    agent.send(rig.get("/stream"));
    EXPECT_THAT(agent.read_until("begin"), HasSubstr("begin"));

    auto config = rig.config();
    config.version = 2;
    rig.configure(config);
    rig.until([n = 0]() mutable { return ++n > 20; });
    rig.settle();
    EXPECT_EQ(count(RecordKind::kOutcome), outcomes) << "one that admits it breaks nothing off";

    if (suspended) {
      config.active = false;
    } else {
      config.agents[0].permissions = json::object{{"scopes", json::array{}}};
    }
    rig.configure(config);
    const auto rest = agent.read_to_end();
    EXPECT_THAT(rest, Not(HasSubstr("0\r\n\r\n"))) << "as if it had ended well";
    ASSERT_TRUE(rig.until([&] { return count(RecordKind::kOutcome) == outcomes + 1; }));
    EXPECT_EQ(text(rig.records().back().json, "outcome"), "failure");
  }
}

TEST_F(WorkerTest, ADrainEndsItsConnectionsAndThenIt) {
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  agent.read_until("ok");
  rig.send(encode(MessageKind::kDrain));
  EXPECT_TRUE(agent.closed_by_server());
  EXPECT_TRUE(rig.until([&] { return rig.ended(); }));
}

TEST_F(WorkerTest, AConfigurationThatIsNoneEndsIt) {
  rig.send(encode(MessageKind::kConfigure));
  EXPECT_TRUE(rig.until([&] { return rig.ended(); }));
}

TEST(WorkerWithoutConfiguration, TakesNoConnection) {
  WorkerRig rig;
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  EXPECT_TRUE(agent.closed_by_server());
  EXPECT_EQ(rig.origin.connections(), 0U);
}

}  // namespace
}  // namespace deployclaw::egress
