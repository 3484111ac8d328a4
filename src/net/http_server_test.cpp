#include "net/http_server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <stdexcept>
#include <string>

#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::net {
namespace {

using testing::RawClient;
using testing::run_task;
using testing::run_until;
using namespace std::string_literals;
using namespace std::chrono_literals;

// What the handlers of these tests saw.
struct Seen {
  int requests = 0;
  int streams_started = 0;
  int streams_ended = 0;
  std::size_t chunks = 0;
  bool release = false;
};

struct StreamEnd {
  Seen& seen;
  ~StreamEnd() { ++seen.streams_ended; }
};

Task<void> endless(std::shared_ptr<Seen> seen, std::size_t size, std::chrono::milliseconds pause,
                   std::shared_ptr<http::BodyWriter> out) {
  ++seen->streams_started;
  const StreamEnd end{*seen};
  while (true) {
    std::string chunk(size, 'x');
    const auto sent = co_await out->write(std::move(chunk));
    if (!sent) co_return;
    ++seen->chunks;
    if (pause > 0ms) {
      co_await sleep_for(pause);
    }
  }
}

Task<void> silent(std::shared_ptr<Seen> seen, std::shared_ptr<http::BodyWriter>) {
  ++seen->streams_started;
  const StreamEnd end{*seen};
  co_await sleep_for(std::chrono::hours(1));
}

Task<void> three_chunks(std::shared_ptr<http::BodyWriter> out) {
  for (const char* text : {"one", "", "two", "three"}) {
    const auto sent = co_await out->write(text);
    if (!sent) co_return;
  }
}

Task<void> broken_stream(std::shared_ptr<http::BodyWriter> out) {
  const auto sent = co_await out->write("part");
  (void)sent;
  throw std::runtime_error("stream fault of a test");
}

Task<http::Response> answer(std::shared_ptr<Seen> seen, http::Request request) {
  ++seen->requests;
  http::Response response;
  response.headers.add("Content-Type", "text/plain");
  if (request.path == "/echo") {
    response.body = request.method_text + " " + request.query + " " + request.body;
  } else if (request.path == "/big") {
    response.body = std::string(5'000'000, 'b');
  } else if (request.path == "/throw") {
    throw std::runtime_error("handler fault of a test");
  } else if (request.path == "/wait") {
    while (!seen->release) {
      co_await sleep_for(5ms);
    }
    response.body = "released";
  } else if (request.path == "/hang") {
    co_await sleep_for(std::chrono::hours(1));
  } else if (request.path == "/endless") {
    response.stream = [seen](auto out) { return endless(seen, 65536, 0ms, std::move(out)); };
  } else if (request.path == "/slow") {
    response.stream = [seen](auto out) { return endless(seen, 10, 5ms, std::move(out)); };
  } else if (request.path == "/silent") {
    response.stream = [seen](auto out) { return silent(seen, std::move(out)); };
  } else if (request.path == "/chunks") {
    response.stream = three_chunks;
  } else if (request.path == "/broken") {
    response.stream = broken_stream;
  } else if (request.path == "/204") {
    response.status = 204;
  } else if (request.path == "/forge") {
    response.headers.add("X-Bad", "a\r\nX-Forged: 1");
    response.headers.add("Content-Length", "999");
    response.headers.add("X-Request-Id", "forged");
    response.body = "ok";
  } else {
    response.body = "path " + request.path + " from " + request.remote_address;
  }
  co_return response;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    HttpHandler handler = [seen = seen_](http::Request request) {
      return answer(seen, std::move(request));
    };
    server_ = std::make_unique<HttpServer>(io_.get_executor(), std::move(handler), options);
    port_ = server_->listen_tcp("127.0.0.1", 0).value();
  }
  void TearDown() override {
    if (server_) run_task(io_, server_->stop(0ms));
  }
  // Sends the bytes and returns all that comes until the server closes.
  std::string say(std::string_view bytes) {
    RawClient client(io_, port_);
    client.send(bytes);
    return client.read_to_end();
  }

  boost::asio::io_context io_{1};
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

const std::string kClose = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, AnswersWithItsOwnFields) {
  start();
  const auto text = say("GET /a%20b?x=1" + kClose);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << text;
  EXPECT_TRUE(has(text, " GMT\r\n"));
  EXPECT_TRUE(has(text, "\r\nX-Request-Id: "));
  EXPECT_TRUE(has(text, "\r\nConnection: close\r\n"));
  EXPECT_TRUE(has(text, "\r\nContent-Length: 24\r\n")) << text;
  EXPECT_TRUE(text.ends_with("\r\n\r\npath /a b from 127.0.0.1")) << text;
}

TEST_F(HttpServerTest, ReadsARequestSplitAtEveryByte) {
  start();
  const std::string request =
      "POST /echo?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
      "0\r\n\r\n";
  for (std::size_t at = 1; at < request.size(); ++at) {
    RawClient client(io_, port_);
    client.send(request.substr(0, at));
    const int polls = seen_->requests;
    for (int i = 0; i < 3; ++i) io_.poll();
    EXPECT_EQ(seen_->requests, polls);
    client.send(request.substr(at));
    ASSERT_TRUE(has(client.read_until("POST q abcde"), "\r\n\r\nPOST q abcde")) << at;
  }
}

TEST_F(HttpServerTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  start();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "POST /echo?" + std::to_string(i) +
                " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok\r\n";
  }
  const auto text = say(requests + "GET /last" + kClose);
  EXPECT_EQ(count(text, "HTTP/1.1 200 OK"), 51U);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    const auto next = text.find("POST " + std::to_string(i) + " ok", at);
    ASSERT_NE(next, std::string::npos) << i;
    at = next;
  }
}

TEST_F(HttpServerTest, RefusesSmugglingAndNonsenseWithAProblemAndCloses) {
  start();
  for (
      const std::string& request :
      {"GET / HTTP/1.1\r\n\r\n"s, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"s,
       "GET / HTTP/1.1\nHost: a\n\n"s, "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n"s,
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"s,
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"s,
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"s,
       "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"s, "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n"s,
       "GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n"s,
       "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"s, "GET /?q#f HTTP/1.1\r\nHost: a\r\n\r\n"s,
       "\x16\x03\x01\x02 hello\r\n\r\n"s}) {
    const auto text = say(request + "GET /smuggled" + kClose);
    EXPECT_TRUE(text.starts_with("HTTP/1.1 400 Bad Request\r\n")) << request << text;
    EXPECT_TRUE(has(text, "Content-Type: application/problem+json\r\n")) << request;
    EXPECT_TRUE(has(text, "Connection: close\r\n")) << request;
    EXPECT_EQ(count(text, "HTTP/1.1 "), 1U) << request;
  }
  EXPECT_EQ(seen_->requests, 0);
  EXPECT_TRUE(say("GET / HTTP/2.0\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 505 "));
  EXPECT_TRUE(say("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n").starts_with("HTTP/1.1 417 "));
  EXPECT_TRUE(say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n")
                  .starts_with("HTTP/1.1 501 "));
}

TEST_F(HttpServerTest, TakesAbsoluteFormOfItsOwnHost) {
  start();
  EXPECT_TRUE(has(say("GET http://A:1/x HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n"),
                  "path /x from"));
}

TEST_F(HttpServerTest, LimitsHeadAndBody) {
  start({.max_head_bytes = 1000, .max_body_bytes = 100});
  const auto head = say("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 431 ")) << head;
  const auto length =
      say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'));
  EXPECT_TRUE(length.starts_with("HTTP/1.1 413 ")) << length;
  const auto chunked =
      say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
          std::string(101, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.starts_with("HTTP/1.1 413 ")) << chunked;
  EXPECT_EQ(seen_->requests, 0);
  const auto good =
      say("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: "
          "100\r\n\r\n" +
          std::string(100, 'x'));
  EXPECT_TRUE(good.starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, SaysContinueWhenAsked) {
  start();
  RawClient client(io_, port_);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(has(client.read_until("POST  ok"), "HTTP/1.1 200 OK"));
}

TEST_F(HttpServerTest, EndsSlowHeadsAndBodiesHoweverTheyDrip) {
  start({.head_timeout = 300ms, .body_timeout = 300ms, .idle_timeout = 300ms});
  for (const std::string& begin :
       {"GET /"s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"s,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"s}) {
    RawClient client(io_, port_);
    client.send(begin);
    std::string text;
    // A byte every few milliseconds: a timeout per read would never end this.
    for (int i = 0; i < 5000 && !has(text, "408"); ++i) {
      client.send("x");
      io_.restart();
      io_.run_for(5ms);
      if (i % 50 == 49) text += client.read_until("");
    }
    EXPECT_TRUE(has(text, "HTTP/1.1 408 ")) << begin;
  }
  RawClient idle(io_, port_);
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_EQ(seen_->requests, 0);
}

TEST_F(HttpServerTest, SurvivesAHandlerThatThrows) {
  start();
  const auto text = say("GET /throw HTTP/1.1\r\nHost: a\r\n\r\nGET /next" + kClose);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 500 ")) << text;
  EXPECT_FALSE(has(text, "fault"));
  EXPECT_TRUE(has(text, "path /next"));
}

TEST_F(HttpServerTest, LetsNoHandlerForgeFieldsOrFraming) {
  start();
  const auto text = say("GET /forge" + kClose);
  EXPECT_FALSE(has(text, "X-Forged")) << text;
  EXPECT_FALSE(has(text, "forged")) << text;
  EXPECT_EQ(count(text, "Content-Length"), 1U);
  EXPECT_TRUE(has(text, "Content-Length: 2\r\n"));
}

TEST_F(HttpServerTest, HeadAnd204HaveNoBody) {
  start();
  const auto head = say("HEAD /echo" + kClose);
  EXPECT_TRUE(has(head, "Content-Length: 6\r\n")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  const auto empty = say("GET /204" + kClose);
  EXPECT_FALSE(has(empty, "Content-Length"));
  EXPECT_TRUE(empty.ends_with("\r\n\r\n"));
  const auto stream = say("HEAD /chunks" + kClose);
  EXPECT_TRUE(stream.ends_with("\r\n\r\n")) << stream;
}

TEST_F(HttpServerTest, SendsALargeBodyToASlowReader) {
  start();
  RawClient client(io_, port_);
  client.set_receive_buffer(128 * 1024);
  client.send("GET /big" + kClose);
  const auto text = client.read_to_end();
  EXPECT_EQ(text.size() - text.find("\r\n\r\n") - 4, 5'000'000U);
}

TEST_F(HttpServerTest, StreamsInChunksAndGoesOn) {
  start();
  const auto text = say("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\nGET /next" + kClose);
  EXPECT_TRUE(
      has(text,
          "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"
          "HTTP/1.1 200 OK"))
      << text;
  const auto old = say("GET /chunks HTTP/1.0\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(old.ends_with("\r\n\r\nonetwothree")) << old;
}

TEST_F(HttpServerTest, CutsABrokenStreamShort) {
  start();
  const auto text = say("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(text.ends_with("\r\n4\r\npart\r\n")) << text;
}

TEST_F(HttpServerTest, HoldsAStreamBackThatNobodyReads) {
  start();
  RawClient client(io_, port_);
  client.set_receive_buffer(4096);
  client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  io_.restart();
  io_.run_for(300ms);
  const auto before = seen_->chunks;
  io_.restart();
  io_.run_for(300ms);
  EXPECT_EQ(seen_->chunks, before);
  EXPECT_LT(before, 200U);
}

TEST_F(HttpServerTest, EndsAStreamWhenTheClientLeaves) {
  start();
  for (const char* path : {"/silent", "/slow", "/endless"}) {
    *seen_ = {};
    RawClient client(io_, port_);
    client.set_receive_buffer(4096);
    client.send("GET "s + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(run_until(io_, [&] { return seen_->streams_started == 1; })) << path;
    EXPECT_EQ(seen_->streams_ended, 0) << path;
    client.close();
    EXPECT_TRUE(run_until(io_, [&] { return seen_->streams_ended == 1; })) << path;
    EXPECT_TRUE(run_until(io_, [&] { return server_->connections() == 0; })) << path;
  }
}

TEST_F(HttpServerTest, StopLetsARunningRequestFinish) {
  start();
  RawClient busy(io_, port_);
  RawClient idle(io_, port_);
  RawClient streaming(io_, port_);
  busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  streaming.send("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(has(idle.read_until("path /x"), "200 OK"));
  ASSERT_TRUE(run_until(io_, [&] { return seen_->requests == 3; }));
  bool stopped = false;
  boost::asio::co_spawn(io_, server_->stop(30s), [&](std::exception_ptr) { stopped = true; });
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(streaming.closed_by_server());
  EXPECT_EQ(seen_->streams_ended, 1);
  EXPECT_FALSE(stopped);
  EXPECT_THROW(RawClient(io_, port_), std::runtime_error);
  seen_->release = true;
  const auto text = busy.read_to_end();
  EXPECT_TRUE(has(text, "released")) << text;
  EXPECT_TRUE(has(text, "Connection: close"));
  EXPECT_TRUE(run_until(io_, [&] { return stopped; }));
}

TEST_F(HttpServerTest, StopCancelsWhatOutlivesTheGrace) {
  start();
  RawClient client(io_, port_);
  client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until(io_, [&] { return seen_->requests == 1; }));
  run_task(io_, server_->stop(50ms));
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpServerTest, TurnsAwayWhatIsOverTheConnectionLimit) {
  start({.max_connections = 2});
  RawClient first(io_, port_);
  RawClient second(io_, port_);
  ASSERT_TRUE(run_until(io_, [&] { return server_->connections() == 2; }));
  RawClient third(io_, port_);
  EXPECT_TRUE(third.closed_by_server());
  first.send("GET /x" + kClose);
  EXPECT_TRUE(has(first.read_to_end(), "200 OK"));
}

}  // namespace
}  // namespace deployclaw::net
