#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"
#include "net/http_client.hpp"

namespace deployclaw::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class Output : public ::testing::Test {
 protected:
  Output() : client(api) {
    client.sign_up("ada@example.com");
    id = deploy(client, "talker");
    write(1, 5);
  }
  void write(int from, int to) const {
    Fixture::sql(
        "INSERT INTO agent_output (agent_id, client_id, seq, at, stream, line) SELECT id, "
        "client_id, n, "
        "timestamptz '2026-11-24T00:00:00Z' + n * interval '1 second', 'stdout', "
        "E'line \\u001b[31m <b> ' || n FROM agents, generate_series(" +
        std::to_string(from) + ", " + std::to_string(to) + ") n WHERE id = '" + id + "'");
  }
  std::string path(std::string query = "") const { return "/api/agents/" + id + "/output" + query; }
  Fixture api;
  Client client;
  std::string id;
};

TEST_F(Output, TheNewestLinesComeOldestFirst) {
  const auto answer = client.get(path("?tail=2"));
  const auto& items = answer.at("items").get_array();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].at("seq").to_number<int>(), 4);
  EXPECT_EQ(items[1].at("line").get_string(), "line \x1b[31m <b> 5");
  EXPECT_EQ(client.get(path("?since=2026-11-24T00:00:04Z")).at("items").get_array().size(), 2U);
  EXPECT_EQ(client.get(path()).at("items").get_array().size(), 5U);
  for (const char* bad : {"?tail=0", "?tail=5001", "?since=now", "?follow=yes"}) {
    EXPECT_EQ(client.get(path(bad)).status, 422) << bad;
  }
}

// Reads the stream until `text` holds `wanted`.
Task<std::string> read_until(std::shared_ptr<net::ResponseStream> stream, std::string wanted) {
  std::string text;
  while (!text.contains(wanted)) {
    const auto piece = co_await stream->read_some(std::chrono::seconds(10));
    if (!piece || piece->empty()) break;
    text += *piece;
  }
  co_return text;
}

Task<std::shared_ptr<net::ResponseStream>> open(std::uint16_t port, net::ClientRequest request) {
  auto endpoint = net::Endpoint::tcp("127.0.0.1", port);
  auto stream = co_await net::open_stream(endpoint, std::move(request), std::chrono::seconds(10));
  if (!stream) {
    ADD_FAILURE() << stream.error().message;
    co_return nullptr;
  }
  co_return std::shared_ptr<net::ResponseStream>(std::move(*stream));
}

TEST_F(Output, FollowsAsEventsAndResumesBehindTheLastOneSeen) {
  net::ClientRequest request{.method = http::Method::kGet, .target = path("?follow=true&tail=1")};
  request.headers.add("Cookie", "__Host-deployclaw=" + client.cookie);
  auto stream = api.run(open(api.server->port(), request));
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->status(), 200);
  const auto first = api.run(read_until(stream, "id: 5"));
  EXPECT_THAT(first, Not(HasSubstr("id: 4")));
  write(6, 7);
  const auto more = api.run(read_until(stream, "id: 7"));
  EXPECT_THAT(more, HasSubstr("event: line"));
  EXPECT_THAT(more, HasSubstr("\"seq\":6"));
  stream->close();

  request.headers.add("Last-Event-ID", "2");
  stream = api.run(open(api.server->port(), request));
  ASSERT_TRUE(stream);
  const auto resumed = api.run(read_until(stream, "id: 7"));
  EXPECT_THAT(resumed, HasSubstr("id: 3"));
  EXPECT_THAT(resumed, Not(HasSubstr("id: 2\n")));
  stream->close();
}

}  // namespace
}  // namespace deployclaw::api
