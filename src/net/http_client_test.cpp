#include "net/http_client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "net/http_server.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::net {
namespace {

using testing::run_task;
using testing::run_until;
using namespace std::chrono_literals;
namespace asio = boost::asio;

Task<void> count_up(std::shared_ptr<http::BodyWriter> out) {
  for (int i = 0; i < 3; ++i) {
    std::string text = "event " + std::to_string(i) + "\n";
    const auto sent = co_await out->write(std::move(text));
    if (!sent) co_return;
    co_await sleep_for(5ms);
  }
}

Task<void> hold_open(std::shared_ptr<http::BodyWriter> out) {
  const auto sent = co_await out->write("first");
  if (sent) {
    co_await sleep_for(std::chrono::hours(1));
  }
}

Task<http::Response> answer(http::Request request) {
  http::Response response;
  if (request.path == "/events") {
    response.stream = count_up;
  } else if (request.path == "/hold") {
    response.stream = hold_open;
  } else if (request.path == "/hang") {
    co_await sleep_for(std::chrono::hours(1));
  } else if (request.path == "/size") {
    response.body = std::to_string(request.body.size());
  } else if (request.path == "/big") {
    response.body = std::string(1'000'000, 'b');
  } else if (request.path == "/404") {
    response.status = 404;
    response.body = "nothing";
  } else {
    response.body = request.method_text + " " + request.path + "?" + request.query + " " +
                    std::string(request.headers.get("host").value_or("")) + " " + request.body;
  }
  co_return response;
}

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest()
      : path_("/tmp/deployclaw-http-" + std::to_string(::getpid()) + ".sock"),
        server_(io_.get_executor(), answer, {.max_body_bytes = 20'000'000}) {
    EXPECT_TRUE(server_.listen_unix(path_, 0600));
    port_ = server_.listen_tcp("127.0.0.1", 0).value();
  }
  ~HttpClientTest() override { run_task(io_, server_.stop(0ms)); }

  [[nodiscard]] Endpoint tcp() const { return Endpoint::tcp("127.0.0.1", port_); }
  [[nodiscard]] Endpoint unix_endpoint() const { return Endpoint::unix_socket(path_); }
  Result<ClientResponse> ask(Endpoint endpoint, ClientRequest request,
                             std::chrono::milliseconds deadline = 20s) {
    return run_task(io_, fetch(std::move(endpoint), std::move(request), deadline));
  }

  asio::io_context io_{1};
  std::string path_;
  HttpServer server_;
  std::uint16_t port_ = 0;
};

// Answers each connection with the next of `scripts` and closes it; never reads.
Task<void> scripted(std::shared_ptr<asio::ip::tcp::acceptor> acceptor,
                    std::vector<std::string> scripts) {
  for (const std::string& script : scripts) {
    auto socket = co_await acceptor->async_accept(asio::use_awaitable);
    std::string request(4096, '\0');
    const auto space = asio::buffer(request);
    co_await socket.async_read_some(space, asio::use_awaitable);
    const auto bytes = asio::buffer(script);
    co_await asio::async_write(socket, bytes, asio::use_awaitable);
  }
}

TEST_F(HttpClientTest, FetchesOverTcpAndUnix) {
  const auto over_tcp = ask(tcp(), {.target = "/a?b=c"});
  ASSERT_TRUE(over_tcp) << over_tcp.error().message;
  EXPECT_EQ(over_tcp->body, "GET /a?b=c 127.0.0.1:" + std::to_string(port_) + " ");
  const auto over_unix =
      ask(unix_endpoint(), {.method = http::Method::kPost, .target = "/", .body = "hello"});
  ASSERT_TRUE(over_unix) << over_unix.error().message;
  EXPECT_EQ(over_unix->body, "POST /? localhost hello");
  EXPECT_EQ(ask(tcp(), {.target = "/404"})->status, 404);
  EXPECT_EQ(ask(Endpoint::tcp("localhost", port_), {.target = "/404"})->body, "nothing");
}

TEST_F(HttpClientTest, SaysWhatWentWrong) {
  EXPECT_EQ(ask(Endpoint::unix_socket("/nonexistent/x"), {}).error().code, Code::kUnavailable);
  EXPECT_EQ(ask(Endpoint::tcp("127.0.0.1", 1), {}).error().code, Code::kUnavailable);
  EXPECT_EQ(ask(tcp(), {.target = "/hang"}, 50ms).error().code, Code::kTimeout);
  EXPECT_EQ(ask(tcp(), {.target = "/hold"}, 50ms).error().code, Code::kTimeout);
  EXPECT_EQ(ask(tcp(), {.target = "/big", .max_response_bytes = 1000}).error().code,
            Code::kTooLarge);
  EXPECT_EQ(ask(tcp(), {.target = "/ HTTP/1.1\r\nX: y"}).error().code, Code::kInvalid);
  ClientRequest forged;
  forged.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(ask(tcp(), std::move(forged)).error().code, Code::kInvalid);
}

TEST_F(HttpClientTest, SendsBodiesFromASourceAndFromAFile) {
  ClientRequest from_source{.method = http::Method::kPost, .target = "/size"};
  auto left = std::make_shared<int>(100);
  const auto next = [](std::shared_ptr<int> remaining) -> Task<Result<std::string>> {
    if (--*remaining < 0) co_return std::string{};
    co_return std::string(12'345, 's');
  };
  from_source.body = BodySource([left, next] { return next(left); });
  const auto sourced = ask(tcp(), std::move(from_source));
  ASSERT_TRUE(sourced) << sourced.error().message;
  EXPECT_EQ(sourced->body, "1234500");

  const std::string file = path_ + ".body";
  std::ofstream(file) << std::string(5'000'001, 'f');
  ClientRequest from_file{.method = http::Method::kPost, .target = "/size"};
  from_file.body = BodyFile{file};
  EXPECT_EQ(ask(unix_endpoint(), std::move(from_file))->body, "5000001");
  std::filesystem::remove(file);
  ClientRequest missing{.method = http::Method::kPost, .target = "/size"};
  missing.body = BodyFile{file};
  EXPECT_EQ(ask(tcp(), std::move(missing)).error().code, Code::kNotFound);
}

TEST_F(HttpClientTest, ReportsAFailedSourceAndCutsTheRequest) {
  ClientRequest request{.method = http::Method::kPost, .target = "/size"};
  const auto broken = []() -> Task<Result<std::string>> {
    co_return fail(Code::kCorrupt, "tar is broken");
  };
  request.body = BodySource(broken);
  EXPECT_EQ(ask(tcp(), std::move(request)).error().code, Code::kCorrupt);
}

TEST_F(HttpClientTest, StreamsAnAnswer) {
  auto stream = run_task(io_, open_stream(unix_endpoint(), {.target = "/events"}, 20s));
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ((*stream)->status(), 200);
  std::string all;
  while (true) {
    const auto piece = run_task(io_, (*stream)->read_some(20s));
    ASSERT_TRUE(piece) << piece.error().message;
    if (piece->empty()) break;
    all += *piece;
  }
  EXPECT_EQ(all, "event 0\nevent 1\nevent 2\n");
  EXPECT_EQ(run_task(io_, (*stream)->read_some(20s)), std::string{});
}

TEST_F(HttpClientTest, AStreamOutlivesATimeoutAndEndsOnClose) {
  auto opened = run_task(io_, open_stream(tcp(), {.target = "/hold"}, 20s));
  ASSERT_TRUE(opened);
  auto stream = std::move(*opened);
  EXPECT_EQ(run_task(io_, stream->read_some(20s)), "first");
  EXPECT_EQ(run_task(io_, stream->read_some(20ms)).error().code, Code::kTimeout);
  EXPECT_EQ(run_task(io_, stream->read_some(20ms)).error().code, Code::kTimeout);
  std::optional<Result<std::string>> pending;
  asio::co_spawn(io_, stream->read_some(20s),
                 [&](std::exception_ptr, Result<std::string> r) { pending = std::move(r); });
  io_.restart();
  io_.run_for(20ms);
  EXPECT_FALSE(pending);
  stream = nullptr;  // also with a read pending
  ASSERT_TRUE(run_until(io_, [&] { return pending.has_value(); }));
  EXPECT_EQ(pending->error().code, Code::kCancelled);
  EXPECT_TRUE(run_until(io_, [&] { return server_.connections() == 0; }));
}

TEST_F(HttpClientTest, ThePoolReusesConnections) {
  ClientPool pool(tcp());
  for (int i = 0; i < 20; ++i) {
    const auto response = run_task(io_, pool.fetch({.target = "/x"}, 20s));
    ASSERT_TRUE(response);
    EXPECT_EQ(server_.connections(), 1U);
  }
  auto stream = run_task(io_, pool.open_stream({.target = "/hold"}, 20s));
  ASSERT_TRUE(run_task(io_, pool.fetch({.target = "/x"}, 20s)));
  EXPECT_EQ(server_.connections(), 2U);
  pool.close_idle();
  stream->reset();
  EXPECT_TRUE(run_until(io_, [&] { return server_.connections() == 0; }));
  EXPECT_TRUE(run_task(io_, pool.fetch({.target = "/x"}, 20s)));
}

TEST_F(HttpClientTest, RetriesOnceWhenAKeptConnectionDiesAndTheMethodAllowsIt) {
  const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const auto method : {http::Method::kGet, http::Method::kPost}) {
    // The first connection answers once and, asked again, closes without a word.
    auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(
        io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto serve = [](std::shared_ptr<asio::ip::tcp::acceptor> a,
                          std::string text) -> Task<void> {
      for (int connection = 0; connection < 2; ++connection) {
        auto socket = co_await a->async_accept(asio::use_awaitable);
        std::string request(4096, '\0');
        const auto space = asio::buffer(request);
        const auto bytes = asio::buffer(text);
        co_await socket.async_read_some(space, asio::use_awaitable);
        co_await asio::async_write(socket, bytes, asio::use_awaitable);
        co_await socket.async_read_some(space, asio::use_awaitable);
      }
    };
    asio::co_spawn(io_, serve(acceptor, good), [](std::exception_ptr) {});
    ClientPool pool(Endpoint::tcp("127.0.0.1", acceptor->local_endpoint().port()));
    ClientRequest request{.method = method};
    ASSERT_EQ(run_task(io_, pool.fetch(request, 20s))->body, "ok");
    const auto second = run_task(io_, pool.fetch(request, 20s));
    if (method == http::Method::kGet) {
      EXPECT_TRUE(second);
    } else {
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().code, Code::kUnavailable);
    }
  }
}

TEST_F(HttpClientTest, ReadsRawStreamsInterimAnswersAndRefusesShortBodies) {
  auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(
      io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto endpoint = Endpoint::tcp("127.0.0.1", acceptor->local_endpoint().port());
  const std::vector<std::string> scripts = {
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nraw bytes",
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil close",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nshort!",
      "SSH-2.0\r\n\r\n",
      ""};
  asio::co_spawn(io_, scripted(acceptor, scripts), [](std::exception_ptr) {});
  EXPECT_EQ(ask(endpoint, {})->body, "raw bytes");
  EXPECT_EQ(ask(endpoint, {})->body, "until close");
  EXPECT_EQ(ask(endpoint, {}).error().code, Code::kUnavailable);
  EXPECT_EQ(ask(endpoint, {}).error().code, Code::kUnavailable);
  EXPECT_EQ(ask(endpoint, {}).error().code, Code::kMalformed);
  EXPECT_EQ(ask(endpoint, {}).error().code, Code::kMalformed);
  EXPECT_EQ(ask(endpoint, {}).error().code, Code::kUnavailable);
}

// An independent client's opinion: keep-alive, a body that waits for 100 Continue, a chunked upload
// and a chunked answer.
TEST_F(HttpClientTest, CurlUnderstandsTheServer) {
  if (std::system("command -v curl >/dev/null 2>&1") != 0) GTEST_SKIP() << "no curl";
  const std::string file = path_ + ".upload";
  const std::string out = path_ + ".out";
  std::ofstream(file) << std::string(3'000'000, 'u');
  const std::string curl = "curl -sS --max-time 20 --unix-socket " + path_ + " ";
  const std::string command = "{ " + curl + "http://h/a http://h/b?c && " + curl +
                              "--data-binary @" + file + " http://h/size && " + curl +
                              "-H 'Transfer-Encoding: chunked' --data-binary @" + file +
                              " http://h/size && " + curl + "http://h/events && " + curl +
                              "-I http://h/a >/dev/null; } >" + out + " 2>&1";
  std::atomic<int> status = -1;
  std::thread shell([&] {
    status = std::system(command.c_str());
    asio::post(io_, [] {});
  });
  const auto work = asio::make_work_guard(io_);
  io_.restart();
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (status == -1 && std::chrono::steady_clock::now() < limit) io_.run_one_for(100ms);
  shell.join();
  std::ifstream result(out);
  const std::string text((std::istreambuf_iterator<char>(result)), {});
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(text, "GET /a? h GET /b?c h 30000003000000event 0\nevent 1\nevent 2\n");
  std::filesystem::remove(file);
  std::filesystem::remove(out);
}

TEST_F(HttpClientTest, TwoServersCannotShareASocketFile) {
  HttpServer other(io_.get_executor(), answer);
  const auto refused = other.listen_unix(path_, 0600);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(other.listen_tcp("127.0.0.1", port_).error().code, Code::kConflict);
}

}  // namespace
}  // namespace deployclaw::net
