#include "net/timed_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cerrno>

#include "base/await.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;

TimedSocket::TimedSocket(StreamSocket socket, CoarseTimer& timer)
    : CoarseTimer::Entry(timer), socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

void TimedSocket::set_deadline(std::chrono::milliseconds from_now) {
  timed_out_ = false;
  CoarseTimer::Entry::set_deadline(from_now);
}

void TimedSocket::clear_deadline() {
  timed_out_ = false;
  CoarseTimer::Entry::clear_deadline();
}

void TimedSocket::on_deadline() {
  timed_out_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

Task<std::size_t> TimedSocket::read_some(char* data, std::size_t size) {
  if (timed_out_ || interrupted_) co_return 0;
  const auto buffer = asio::buffer(data, size);
  const auto [error, count] = co_await socket_.async_read_some(buffer, kAwait);
  co_return error ? 0 : count;
}

std::optional<std::size_t> TimedSocket::read_now(char* data, std::size_t size) {
  while (true) {
    const ssize_t count = ::recv(socket_.native_handle(), data, size, MSG_DONTWAIT);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
    return 0;
  }
}

std::optional<bool> TimedSocket::send_now(std::string_view& head, std::string_view& body) {
  if (timed_out_ || interrupted_) return false;
  while (!head.empty() || !body.empty()) {
    std::array<iovec, 2> parts{};
    parts[0] = {const_cast<char*>(head.data()), head.size()};
    parts[1] = {const_cast<char*>(body.data()), body.size()};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = body.empty() ? 1 : 2;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
      return false;
    }
    const auto count = static_cast<std::size_t>(sent);
    const std::size_t of_head = std::min(count, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(count - of_head);
  }
  return true;
}

Task<bool> TimedSocket::send(std::string_view head, std::string_view body) {
  while (true) {
    const auto sent = send_now(head, body);
    if (sent) co_return *sent;
    const auto [error] = co_await socket_.async_wait(StreamSocket::wait_write, kAwait);
    if (error) co_return false;
  }
}

void TimedSocket::interrupt() {
  interrupted_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void TimedSocket::shutdown_send() {
  boost::system::error_code ignored;
  socket_.shutdown(StreamSocket::shutdown_send, ignored);
}

void TimedSocket::close() {
  interrupted_ = true;
  CoarseTimer::Entry::clear_deadline();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace deployclaw::net
