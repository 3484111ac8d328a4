#include "net/client_connection.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <tuple>
#include <vector>

#include "base/await.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {
constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kPiece = 64 * 1024;
}  // namespace

ClientConnection::ClientConnection(asio::any_io_executor executor, Endpoint endpoint)
    : executor_(std::move(executor)), endpoint_(std::move(endpoint)), socket_(executor_) {}

Error ClientConnection::broken(const Deadline& deadline, std::string_view what,
                               const boost::system::error_code& error) const {
  Error out = deadline.error(what, error);
  if (closed_ && out.code == Code::kUnavailable) out.code = Code::kCancelled;
  out.message = endpoint_.to_string() + ": " + out.message;
  return out;
}

Task<Status> ClientConnection::connect(Deadline& deadline) {
  boost::system::error_code error;
  if (!endpoint_.unix_path.empty()) {
    if (endpoint_.unix_path.size() > 107) co_return fail(Code::kInvalid, "socket path too long");
    const asio::local::stream_protocol::endpoint target(endpoint_.unix_path);
    const asio::generic::stream_protocol::endpoint generic(target);
    std::tie(error) = co_await socket_.async_connect(generic, kAwait);
    if (error) co_return fail(broken(deadline, "connect", error));
    co_return Status{};
  }
  std::vector<tcp::endpoint> targets;
  const auto address = asio::ip::make_address(endpoint_.host, error);
  if (!error) {
    targets.emplace_back(address, endpoint_.port);
  } else {
    auto resolver = std::make_shared<tcp::resolver>(executor_);
    const std::string port = std::to_string(endpoint_.port);
    auto [failure, found] = co_await resolver->async_resolve(endpoint_.host, port, kAwait);
    if (failure) co_return fail(broken(deadline, "resolve", failure));
    for (const auto& entry : found) targets.push_back(entry.endpoint());
  }
  error = asio::error::host_not_found;
  for (const tcp::endpoint& target : targets) {
    if (deadline.expired() || closed_) break;
    boost::system::error_code ignored;
    if (socket_.is_open()) socket_.close(ignored);
    const asio::generic::stream_protocol::endpoint generic(target);
    std::tie(error) = co_await socket_.async_connect(generic, kAwait);
    if (error) continue;
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    co_return Status{};
  }
  co_return fail(broken(deadline, "connect", error));
}

Task<Result<std::size_t>> ClientConnection::fill(Deadline& deadline) {
  boost::system::error_code error = asio::error::operation_aborted;
  std::size_t count = 0;
  if (!deadline.expired() && !closed_) {
    const std::size_t have = buffer_.size();
    buffer_.resize(have + kPiece);
    const auto space = asio::buffer(buffer_.data() + have, kPiece);
    std::tie(error, count) = co_await socket_.async_read_some(space, kAwait);
    buffer_.resize(have + count);
  }
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) co_return fail(broken(deadline, "read", error));
  answer_begun_ = true;
  co_return count;
}

Task<Result<http::ResponseHead>> ClientConnection::read_head(http::Method to, Deadline& deadline) {
  std::size_t searched = 0;
  while (true) {
    const std::size_t size = http::find_head_end(buffer_, searched);
    if (size != std::string::npos) {
      auto head = http::parse_response_head(std::string_view(buffer_).substr(0, size), to);
      if (!head) co_return context(endpoint_.to_string(), std::move(head.error()));
      buffer_.erase(0, size);
      searched = 0;
      // 100 Continue and 103 Early Hints come before the answer.
      if (head->status < 200 && head->status != 101) continue;
      body_done_ =
          head->framing.kind == http::BodyFraming::Kind::kNone ||
          (head->framing.kind == http::BodyFraming::Kind::kLength && head->framing.length == 0);
      co_return std::move(*head);
    }
    if (buffer_.size() > kMaxHead) {
      co_return fail(Code::kMalformed, endpoint_.to_string() + ": response head too large");
    }
    const auto more = co_await fill(deadline);
    if (!more) co_return fail(more.error());
    if (*more == 0) {
      co_return fail(Code::kUnavailable, endpoint_.to_string() + ": closed before it answered");
    }
  }
}

Task<Result<std::string>> ClientConnection::read_body(const http::ResponseHead& head,
                                                      Deadline& deadline) {
  using Kind = http::BodyFraming::Kind;
  std::string out;
  while (!body_done_) {
    if (head.framing.kind == Kind::kChunked) {
      const auto used = chunks_.feed(buffer_, out, kPiece);
      if (!used) co_return context(endpoint_.to_string(), used.error());
      buffer_.erase(0, *used);
      body_done_ = chunks_.done();
    } else {
      std::uint64_t take = buffer_.size();
      if (head.framing.kind == Kind::kLength) {
        take = std::min<std::uint64_t>(take, head.framing.length - body_read_);
      }
      take = std::min<std::uint64_t>(take, kPiece);
      out.assign(buffer_, 0, static_cast<std::size_t>(take));
      buffer_.erase(0, out.size());
      body_read_ += out.size();
      body_done_ = head.framing.kind == Kind::kLength && body_read_ == head.framing.length;
    }
    if (!out.empty() || body_done_) break;
    const auto more = co_await fill(deadline);
    if (!more) co_return fail(more.error());
    if (*more > 0) continue;
    if (head.framing.kind != Kind::kUntilClose) {
      co_return fail(Code::kUnavailable,
                     endpoint_.to_string() + ": closed in the middle of a body");
    }
    body_done_ = true;
  }
  co_return out;
}

bool ClientConnection::reusable(const http::ResponseHead& head) const {
  return body_done_ && request_whole_ && head.keep_alive && buffer_.empty() && !closed_;
}

bool ClientConnection::is_stale() {
  if (closed_ || !socket_.is_open()) return true;
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // Nothing to read is the only healthy state: an end, an error and unasked bytes are not.
  return !(count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

void ClientConnection::reset() {
  buffer_.clear();
  buffer_.shrink_to_fit();
  chunks_ = {};
  body_read_ = 0;
  body_done_ = false;
  request_whole_ = false;
  answer_begun_ = false;
}

void ClientConnection::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void ClientConnection::close() {
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace deployclaw::net
