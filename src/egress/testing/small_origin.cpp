#include "egress/testing/small_origin.hpp"

#include <array>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/await.hpp"
#include "http/wire.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::egress::testing {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// How long the whole request at the front of `text` is; 0 when it is not whole.
std::size_t whole_request(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const auto head = http::parse_request_head(text.substr(0, end + 4));
  if (!head) return 0;
  if (head->framing.kind == http::BodyFraming::Kind::kChunked) {
    http::ChunkedDecoder chunks;
    std::string body;
    const auto used = chunks.feed(text.substr(end + 4), body, text.size());
    return used && chunks.done() ? end + 4 + *used : 0;
  }
  const auto size = end + 4 + head->framing.length;
  return text.size() < size ? 0 : size;
}

}  // namespace

SmallOrigin::SmallOrigin(asio::io_context& io)
    : io_(io),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tasks_(io.get_executor()) {
  tasks_.spawn("origin", accept());
}

SmallOrigin::~SmallOrigin() { stop(); }

void SmallOrigin::stop() {
  tasks_.cancel();
  net::testing::run_task(io_, tasks_.join());
}

std::string SmallOrigin::with_length(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

Task<void> SmallOrigin::accept() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (error) co_return;
    ++connections_;
    tasks_.spawn("origin connection", serve(std::move(socket)));
  }
}

Task<bool> SmallOrigin::write(tcp::socket& socket, Answer answer) {
  if (answer.delay.count() > 0) {
    const bool slept = co_await sleep_for(answer.delay);
    if (!slept) co_return false;
  }
  for (const auto& piece : answer.pieces) {
    const auto bytes = asio::buffer(piece);
    const auto [failed, sent] = co_await asio::async_write(socket, bytes, kAwait);
    if (failed) co_return false;
    const bool slept = co_await sleep_for(std::chrono::milliseconds(2));
    if (!slept) co_return false;
  }
  if (answer.then == Then::kResets) socket.set_option(tcp::socket::linger(true, 0));
  co_return answer.then != Then::kResets&& answer.then != Then::kCloses;
}

Task<void> SmallOrigin::serve(tcp::socket socket) {
  std::string unread;
  auto& stream = streams_.emplace_back();
  std::array<char, 4096> buffer{};
  while (true) {
    const auto room = asio::buffer(buffer);
    const auto [error, count] = co_await socket.async_read_some(room, kAwait);
    if (error) {
      ++ended_;
      co_return;
    }
    unread.append(buffer.data(), count);
    bytes_.append(buffer.data(), count);
    stream.append(buffer.data(), count);
    if (at_once_) {
      Answer answer = *std::exchange(at_once_, std::nullopt);
      const bool goes_on = co_await write(socket, std::move(answer));
      if (!goes_on) co_return;
    }
    while (const auto size = whole_request(unread)) {
      requests_.push_back(unread.substr(0, size));
      unread.erase(0, size);
      Answer answer{.pieces = {with_length("ok")}};
      if (!answers_.empty()) {
        answer = std::move(answers_.front());
        answers_.pop_front();
      }
      const bool goes_on = co_await write(socket, std::move(answer));
      if (!goes_on) co_return;
    }
  }
}

}  // namespace deployclaw::egress::testing
