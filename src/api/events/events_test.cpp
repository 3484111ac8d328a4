#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/events/hub.hpp"
#include "api/testing/deploying.hpp"
#include "net/http_client.hpp"

namespace deployclaw::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using Stream = std::shared_ptr<net::ResponseStream>;

Task<std::string> read_until(Stream stream, std::string wanted) {
  std::string text;
  while (!text.contains(wanted)) {
    const auto piece = co_await stream->read_some(std::chrono::seconds(20));
    if (!piece) {
      ADD_FAILURE() << "no " << wanted << " but: " << text << ": " << piece.error().message;
      break;
    }
    if (piece->empty()) break;
    text += *piece;
  }
  co_return text;
}

Task<Stream> open(std::uint16_t port, net::ClientRequest request) {
  auto endpoint = net::Endpoint::tcp("127.0.0.1", port);
  auto stream = co_await net::open_stream(endpoint, std::move(request), std::chrono::seconds(10));
  if (!stream) {
    ADD_FAILURE() << stream.error().message;
    co_return nullptr;
  }
  co_return std::shared_ptr<net::ResponseStream>(std::move(*stream));
}

class Events : public ::testing::Test {
 protected:
  Events() : ada(api), bob(api) {
    ada.sign_up("ada@example.com");
    bob.sign_up("bob@example.com");
    ada_agent = deploy(ada, "hers");
    bob_agent = deploy(bob, "his");
  }

  Stream stream_of(const Client& client, std::string topics = "", std::string last_id = "") {
    net::ClientRequest request{.target = "/api/events"};
    if (!topics.empty()) request.target += "?topics=" + topics;
    request.headers.add("Cookie", "__Host-deployclaw=" + client.cookie);
    if (!last_id.empty()) request.headers.add("Last-Event-ID", last_id);
    return api.run(open(api.server->port(), request));
  }
  std::string until(const Stream& stream, std::string wanted) {
    return api.run(read_until(stream, std::move(wanted)));
  }
  // Until the listener has its connection, so that what is done next is heard.
  void listening() {
    const auto stream = stream_of(ada);
    until(stream, "event: ready");
    std::string heard;
    for (int i = 0; i < 500 && !heard.contains("audit.appended"); ++i) {
      Fixture::sql("SELECT pg_notify('deployclaw_events', 'audit.appended " + ada.client_id +
                   " 1')");
      api.run(sleep());
      heard += take(stream);
    }
    EXPECT_THAT(heard, HasSubstr("audit.appended"));
    stream->close();
  }
  static Task<void> sleep() { co_await sleep_for(std::chrono::milliseconds(20)); }
  std::string take(const Stream& stream) { return api.run(take_now(stream)); }
  static Task<std::string> take_now(Stream stream) {
    auto piece = co_await stream->read_some(std::chrono::milliseconds(1));
    co_return piece ? *piece : std::string();
  }
  static void rename(const std::string& agent, std::string_view name) {
    Fixture::sql("UPDATE agents SET name = '" + std::string(name) + "' WHERE id = '" + agent + "'");
  }
  static std::string last_id(const std::string& text) {
    const auto start = text.rfind("id: ") + 4;
    return text.substr(start, text.find('\n', start) - start);
  }

  Fixture api;
  Client ada;
  Client bob;
  std::string ada_agent;
  std::string bob_agent;
};

TEST_F(Events, AClientHearsOfItsOwnChangesAndOfNoOthers) {
  listening();
  const auto hers = stream_of(ada);
  const auto his = stream_of(bob);
  until(hers, "event: ready");
  until(his, "event: ready");
  // Each kind of change of Ada's, then one of Bob's: what reaches Bob before his own is a leak.
  rename(ada_agent, "renamed");
  Fixture::sql("UPDATE deployments SET state = 'live', ended_at = now() WHERE agent_id = '" +
               ada_agent + "'");
  Fixture::sql(
      "INSERT INTO agent_observations (agent_id, client_id) SELECT id, client_id FROM "
      "agents WHERE id = '" +
      ada_agent + "'");
  rename(bob_agent, "renamed");
  const auto bobs = until(his, bob_agent);
  EXPECT_THAT(bobs, Not(HasSubstr(ada_agent)));
  EXPECT_THAT(bobs, Not(HasSubstr("deployment.changed")));
  const auto adas = until(hers, "deployment.changed");
  EXPECT_THAT(adas, HasSubstr("event: agent.changed\ndata: {\"agentId\":\"" + ada_agent + "\"}"));
  EXPECT_THAT(adas, Not(HasSubstr(bob_agent)));
}

TEST_F(Events, WhatAPersonDoesIsHeardWithItsRecord) {
  listening();
  const auto stream = stream_of(ada, "agents,audit");
  until(stream, "event: ready");
  ada.post("/api/agents/" + ada_agent + "/stop");
  auto text = until(stream, "audit.appended");
  if (!text.contains("agent.changed")) text += until(stream, "agent.changed");
  const auto seq =
      Fixture::sql("SELECT seq FROM audit.heads WHERE client_id = '" + ada.client_id + "'");
  EXPECT_THAT(text, HasSubstr("data: {\"seq\":" + seq + "}"));
}

TEST_F(Events, TopicsKeepTheRestOut) {
  listening();
  const auto second = deploy(ada, "second");
  const auto stream = stream_of(ada, "agent:" + second);
  until(stream, "event: ready");
  rename(ada_agent, "x");
  rename(second, "y");
  const auto text = until(stream, second);
  EXPECT_THAT(text, Not(HasSubstr(ada_agent)));
  EXPECT_EQ(ada.get("/api/events?topics=everything").status, 422);
  EXPECT_EQ(ada.get("/api/events?topic=agents").status, 422);
}

TEST_F(Events, ApprovalsAreHeardByTheirClientAlone) {
  listening();
  const auto hers = stream_of(ada, "agent:" + ada_agent);
  const auto his = stream_of(bob);
  until(hers, "event: ready");
  until(his, "event: ready");
  const std::string approval = "3b241101-e2bb-4255-8caf-4136c566a962";
  Fixture::sql(R"(SELECT pg_notify('deployclaw_approvals', '{"clientId": ")" + ada.client_id +
               R"(", "agentId": ")" + ada_agent + R"(", "id": ")" + approval +
               R"(", "state": "pending"}'))");
  rename(bob_agent, "after it");
  EXPECT_THAT(until(his, bob_agent), Not(HasSubstr(approval)));
  EXPECT_THAT(until(hers, approval), HasSubstr("event: approval.changed"));
  api.server->services().events->notify_approval("[]");
  api.server->services().events->notify_approval("{");
}

TEST_F(Events, AReaderThatComesBackHearsWhatItMissed) {
  listening();
  auto stream = stream_of(ada, "agents");
  const auto place = last_id(until(stream, "event: ready"));
  stream->close();
  rename(ada_agent, "one");
  rename(ada_agent, "two");
  // Something to wait for: by then the others have been told too.
  const auto witness = stream_of(ada, "agents");
  rename(ada_agent, "three");
  until(witness, ada_agent);
  stream = stream_of(ada, "agents", place);
  const auto text = until(stream, ada_agent);
  EXPECT_THAT(text, Not(HasSubstr("resync")));
}

TEST_F(Events, AnUnknownPlaceIsAnsweredWithAResync) {
  listening();
  for (const char* id : {"other.1", "", "x", "1"}) {
    if (*id == '\0') continue;
    EXPECT_THAT(until(stream_of(ada, "agents", id), "event: resync"), HasSubstr("id: ")) << id;
  }
  api.server->services().events->notify_gap();
  const auto stream = stream_of(ada, "agents");
  until(stream, "event: ready");
  api.server->services().events->notify_gap();
  until(stream, "event: resync");
}

TEST_F(Events, AStreamEndsWithItsSession) {
  listening();
  const auto stream = stream_of(ada);
  until(stream, "event: ready");
  EXPECT_EQ(ada.post("/api/auth/logout").status, 204);
  const auto rest = until(stream, "never comes");  // returns at the end of the stream
  EXPECT_THAT(rest, Not(HasSubstr("never comes")));
  EXPECT_EQ(ada.get("/api/events").status, 401);
}

TEST_F(Events, AStreamEndsWhenTheRoleChanges) {
  listening();
  const auto hers = stream_of(ada);
  const auto his = stream_of(bob);
  until(hers, "event: ready");
  until(his, "event: ready");
  Fixture::sql("UPDATE users SET role = 'viewer' WHERE id = '" + ada.user_id + "'");
  until(hers, "never comes");
  rename(bob_agent, "still told");
  until(his, bob_agent);
}

TEST_F(Events, StreamsAreBoundedForEachSession) {
  std::vector<Stream> open_ones;
  for (std::size_t i = 0; i < events::Hub::kMostPerSession; ++i) {
    open_ones.push_back(stream_of(ada));
    until(open_ones.back(), "event: ready");
  }
  const auto refused = ada.get("/api/events");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "too_many_streams");
  until(stream_of(bob), "event: ready");
  open_ones.clear();
  for (int i = 0; i < 500 && api.server->services().events->streams() > 1; ++i) api.run(sleep());
  until(stream_of(ada), "event: ready");
}

TEST_F(Events, AFirstFactorAloneHearsNothing) {
  Client half(api);
  EXPECT_EQ(half.get("/api/events").status, 401);
  half.register_account("eve@example.com", "Eve");
  EXPECT_EQ(half.get("/api/events").status, 403);
}

TEST_F(Events, NotificationsThatDoNotParseAreNobodys) {
  listening();
  auto& hub = *api.server->services().events;
  const auto stream = stream_of(ada);
  until(stream, "event: ready");
  for (const char* bad : {"", " ", "agent.changed", "agent.changed x y", "a b c d e f",
                          "agent.changed  00000000-0000-0000-0000-000000000000"}) {
    hub.notify(bad);
  }
  hub.notify("agent.changed " + ada.client_id + " no-id");
  hub.notify("unknown.kind " + ada.client_id + " " + ada_agent);
  rename(ada_agent, "heard");
  const auto text = until(stream, ada_agent);
  EXPECT_THAT(text, Not(HasSubstr("no-id")));
}

}  // namespace
}  // namespace deployclaw::api
