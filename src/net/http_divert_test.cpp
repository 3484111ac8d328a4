#include <gtest/gtest.h>

#include <string>

#include "net/http_server.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::net {
namespace {

using testing::RawClient;
using testing::run_task;
using testing::run_until;
using namespace std::chrono_literals;

Task<http::Response> ordinary(http::Request /*request*/) {
  http::Response response;
  response.prepared = std::make_shared<const http::PreparedAnswer>(
      http::PreparedAnswer{.fields = "X-Made: once\r\n", .body = "prepared"});
  co_return response;
}

struct Carried {
  std::string target;
  bool ended = false;
};

Task<void> echo(std::shared_ptr<Carried> carried, Diverted diverted) {
  carried->target = diverted.head.target + " from " + diverted.remote_address;
  std::string buffer(64, '\0');
  while (true) {
    const auto got = co_await diverted.stream->read_some(buffer.data(), buffer.size());
    if (!got || *got == 0) break;
    const std::string text = "[" + buffer.substr(0, *got) + "]";
    const auto sent = co_await diverted.stream->write_all(text);
    if (!sent) break;
  }
  carried->ended = true;
}

class HttpDivertTest : public ::testing::Test {
 protected:
  HttpDivertTest() : server_(io_.get_executor(), ordinary) {
    server_.divert(
        {.wants = [](const http::RequestHead& head) { return head.headers.get("host") == "other"; },
         .carry = [carried = carried_](Diverted d) { return echo(carried, std::move(d)); }});
    port_ = server_.listen_tcp("127.0.0.1", 0).value_or(0);
  }
  void TearDown() override { run_task(io_, server_.stop(0ms)); }

  boost::asio::io_context io_{1};
  std::shared_ptr<Carried> carried_ = std::make_shared<Carried>();
  HttpServer server_;
  std::uint16_t port_ = 0;
};

TEST_F(HttpDivertTest, TakesAConnectionOverWithWhatFollowsTheHead) {
  RawClient client(io_, port_);
  client.send("GET /x%2Fy?z HTTP/1.1\r\nHost: other\r\n\r\nearly");
  EXPECT_EQ(client.read_until("]"), "[early]");
  EXPECT_EQ(carried_->target, "/x%2Fy?z from 127.0.0.1") << "as it was sent";
  client.send("late");
  EXPECT_EQ(client.read_until("]"), "[late]");
  client.close();
  EXPECT_TRUE(run_until(io_, [this] { return carried_->ended; }));
  EXPECT_TRUE(run_until(io_, [this] { return server_.connections() == 0; }));
}

TEST_F(HttpDivertTest, AlsoAfterOrdinaryAnswers) {
  RawClient client(io_, port_);
  client.send("GET / HTTP/1.1\r\nHost: ours\r\n\r\n");
  const auto answer = client.read_until("prepared");
  EXPECT_TRUE(answer.contains("\r\nX-Made: once\r\n")) << answer;
  EXPECT_TRUE(answer.contains("\r\nContent-Length: 8\r\n")) << answer;
  client.send("GET / HTTP/1.1\r\nHost: other\r\n\r\nx");
  EXPECT_EQ(client.read_until("]"), "[x]");
}

TEST_F(HttpDivertTest, EndsWhenTheServerStops) {
  RawClient client(io_, port_);
  client.send("GET / HTTP/1.1\r\nHost: other\r\n\r\nx");
  client.read_until("]");
  run_task(io_, server_.stop(10s));  // no grace is needed: it is told to end
  EXPECT_TRUE(carried_->ended);
  EXPECT_TRUE(client.closed_by_server());
}

}  // namespace
}  // namespace deployclaw::net
