#include "api/agent_page/exchange.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "api/agent_page/forward.hpp"
#include "base/await.hpp"

namespace deployclaw::api::agent_page {
namespace asio = boost::asio;
namespace {

using Kind = http::BodyFraming::Kind;
using Stream = std::shared_ptr<net::ByteStream>;
using std::chrono::seconds;

constexpr seconds kConnect{10};
constexpr seconds kRequestPiece{60};  // between two pieces of a request's body
constexpr seconds kAnswerPiece{300};  // before an answer, and between two pieces of it
constexpr seconds kTunnelIdle{900};   // on a WebSocket on which nothing passes
constexpr seconds kCheck{5};          // how long a right may be over before the exchange is
constexpr std::size_t kMostHead = 64UL * 1024;
constexpr std::size_t kRoom = 16UL * 1024;

// Everything that `from` says until it ends; each piece keeps both sides alive.
Task<void> copy(Stream from, Stream to, seconds idle) {
  std::string buffer(kRoom, '\0');
  while (true) {
    from->set_deadline(idle);
    const auto got = co_await from->read_some(buffer.data(), buffer.size());
    if (!got || *got == 0) co_return;
    to->set_deadline(idle);
    const auto written = co_await to->write_all(std::string_view(buffer).substr(0, *got));
    if (!written) co_return;
  }
}

Task<void> copy_length(Stream from, Stream to, std::uint64_t left) {
  std::string buffer(kRoom, '\0');
  while (left > 0) {
    from->set_deadline(kRequestPiece);
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    const auto got = co_await from->read_some(buffer.data(), want);
    if (!got || *got == 0) co_return;
    left -= *got;
    to->set_deadline(kRequestPiece);
    const auto written = co_await to->write_all(std::string_view(buffer).substr(0, *got));
    if (!written) co_return;
  }
}

// Taken apart and put together again, so that what follows the body does not pass with it.
Task<void> copy_chunked(Stream from, Stream to) {
  http::ChunkedDecoder decoder;
  std::string buffer(kRoom, '\0');
  while (!decoder.done()) {
    from->set_deadline(kRequestPiece);
    const auto got = co_await from->read_some(buffer.data(), buffer.size());
    if (!got || *got == 0) co_return;
    std::string data;
    const auto used = decoder.feed(std::string_view(buffer).substr(0, *got), data, kRoom + 1);
    if (!used) co_return;
    std::string out;
    if (!data.empty()) http::append_chunk(out, data);
    if (decoder.done()) out += "0\r\n\r\n";
    if (out.empty()) continue;
    to->set_deadline(kRequestPiece);
    const auto written = co_await to->write_all(out);
    if (!written) co_return;
  }
}

Task<void> send_body(http::BodyFraming framing, Stream browser, Stream agent) {
  if (framing.kind == Kind::kLength) {
    co_await copy_length(std::move(browser), std::move(agent), framing.length);
  } else if (framing.kind == Kind::kChunked) {
    co_await copy_chunked(std::move(browser), std::move(agent));
  }
}

struct Answer {
  http::ResponseHead head;
  std::string rest;  // what came with the head
};

Task<Result<Answer>> read_answer(Stream agent, http::Method to) {
  std::string buffer;
  std::size_t searched = 0;
  std::string piece(kRoom, '\0');
  agent->set_deadline(kAnswerPiece);
  while (true) {
    const auto size = http::find_head_end(buffer, searched);
    if (size != std::string::npos) {
      auto head = http::parse_response_head(std::string_view(buffer).substr(0, size), to);
      if (!head) co_return fail(std::move(head.error()));
      buffer.erase(0, size);
      searched = 0;
      if (head->status < 200 && head->status != 101) continue;
      co_return Answer{.head = std::move(*head), .rest = std::move(buffer)};
    }
    if (buffer.size() > kMostHead) co_return fail(Code::kMalformed, "answer head too large");
    const auto got = co_await agent->read_some(piece.data(), piece.size());
    if (!got) co_return fail(got.error());
    if (*got == 0) co_return fail(Code::kUnavailable, "closed before it answered");
    buffer.append(piece, 0, *got);
  }
}

Task<void> until_refused(StillAllowed still_allowed) {
  while (true) {
    const bool slept = co_await sleep_for(kCheck);
    if (!slept) co_return;
    auto asked = still_allowed();
    const bool allowed = co_await std::move(asked);
    if (!allowed) co_return;
  }
}

}  // namespace

Task<Result<Stream>> connect_agent(asio::any_io_executor executor, net::CoarseTimer& timer,
                                   std::string address, std::uint16_t port) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) co_return fail(Code::kInternal, "the agent's address is none");
  net::StreamSocket socket(executor);
  asio::steady_timer deadline(executor, kConnect);
  bool expired = false;
  deadline.async_wait([&socket, &expired](boost::system::error_code cancelled) {
    if (cancelled) return;
    expired = true;
    boost::system::error_code ignored;
    socket.close(ignored);
  });
  const asio::ip::tcp::endpoint endpoint(ip, port);
  const net::StreamSocket::endpoint_type generic(endpoint);
  std::tie(error) = co_await socket.async_connect(generic, kAwait);
  deadline.cancel();
  if (expired) co_return fail(Code::kTimeout, "the agent does not take the connection");
  if (error) co_return fail(Code::kUnavailable, error.message());
  const int on = 1;
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  co_return std::make_shared<net::ByteStream>(std::move(socket), timer);
}

Task<bool> carry_exchange(http::RequestHead head, Stream browser, Stream agent,
                          StillAllowed still_allowed) {
  using namespace asio::experimental::awaitable_operators;
  auto body = send_body(head.framing, browser, agent);
  co_await std::move(body);
  auto answer = co_await read_answer(agent, head.method);
  // An agent must not switch to what was not asked for: the bytes would pass unread.
  if (!answer || (answer->head.status == 101 && !is_websocket(head))) co_return false;
  const bool tunnel = answer->head.status == 101;
  const auto first = browser_head(answer->head) + answer->rest;
  browser->set_deadline(kRequestPiece);
  const auto told = co_await browser->write_all(first);
  if (!told || (!tunnel && answer->head.framing.kind == Kind::kNone)) co_return true;

  auto back = copy(agent, browser, tunnel ? kTunnelIdle : kAnswerPiece);
  auto watch = until_refused(std::move(still_allowed));
  if (tunnel) {
    auto there = copy(browser, agent, kTunnelIdle);
    auto all = std::move(there) || std::move(back) || std::move(watch);
    co_await std::move(all);
  } else {
    auto all = std::move(back) || std::move(watch);
    co_await std::move(all);
  }
  co_return true;
}

}  // namespace deployclaw::api::agent_page
