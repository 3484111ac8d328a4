// The socket's half of ByteStream; the half under TLS is byte_stream_tls.cpp.
#include "net/byte_stream.hpp"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "base/await.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {

namespace {

constexpr Progress bytes_moved(std::size_t count) {
  return {.kind = Progress::Kind::kBytes, .count = count};
}

// As recv(), and what that left; of the peer's end, if it is not read yet, one byte (TCP_INQ, in
// the kernel's tcp_inq_hint).
ssize_t receive_and_tell(int socket, char* data, std::size_t size, int& left) {
  iovec room{.iov_base = data, .iov_len = size};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof left)> beside;
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  message.msg_control = beside.data();
  message.msg_controllen = beside.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT);
  if (count <= 0) return count;
  left = 1;  // unless it is known
  const auto* const told = CMSG_FIRSTHDR(&message);
  if (told != nullptr && told->cmsg_level == SOL_TCP && told->cmsg_type == TCP_CM_INQ) {
    std::memcpy(&left, CMSG_DATA(told), sizeof left);
  }
  return count;
}

}  // namespace

ByteStream::ByteStream(StreamSocket socket, CoarseTimer& timer)
    : CoarseTimer::Entry(timer), socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  const int on = 1;
  tells_rest_ = ::setsockopt(socket_.native_handle(), SOL_TCP, TCP_INQ, &on, sizeof on) == 0;
}

ByteStream::~ByteStream() = default;

void ByteStream::set_deadline(std::chrono::milliseconds from_now) {
  timed_out_ = false;
  CoarseTimer::Entry::set_deadline(from_now);
}

void ByteStream::clear_deadline() {
  timed_out_ = false;
  CoarseTimer::Entry::clear_deadline();
}

void ByteStream::on_deadline() {
  timed_out_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

Progress ByteStream::broken(int system_error) {
  system_error_ = system_error;
  return {};
}

Progress ByteStream::receive(char* data, std::size_t size) {
  if (!ahead_.empty()) {
    const std::size_t count = std::min(size, ahead_.size());
    std::memcpy(data, ahead_.data(), count);
    ahead_.erase(0, count);
    if (ahead_.empty()) std::string().swap(ahead_);  // idle connections keep no memory
    return bytes_moved(count);
  }
  // Half of all reads would find nothing: a peer seldom sends more before it has been answered.
  if (drained_) return {.kind = Progress::Kind::kWantRead};
  while (true) {
    const ssize_t count = receive_some(data, size);
    if (count > 0) return bytes_moved(static_cast<std::size_t>(count));
    if (count == 0) {
      socket_ended_ = true;
      return {.kind = Progress::Kind::kEnd};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      drained_ = true;
      return {.kind = Progress::Kind::kWantRead};
    }
    return broken(errno);
  }
}

// Says too whether that was all.
ssize_t ByteStream::receive_some(char* data, std::size_t size) {
  if (!tells_rest_) {
    const ssize_t count = ::recv(socket_.native_handle(), data, size, MSG_DONTWAIT);
    drained_ = count > 0 && static_cast<std::size_t>(count) < size;
    return count;
  }
  int left = 0;
  const ssize_t count = receive_and_tell(socket_.native_handle(), data, size, left);
  drained_ = count > 0 && left == 0;
  return count;
}

Progress ByteStream::send(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket_.native_handle(), bytes.data() + sent, bytes.size() - sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (sent > 0) break;  // trouble comes again with the next call
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {.kind = Progress::Kind::kWantWrite};
    return broken(errno);
  }
  return bytes_moved(sent);
}

Progress ByteStream::read_now(char* data, std::size_t size) {
  if (timed_out_ || interrupted_) return {};
  return ssl_ ? read_tls(data, size) : receive(data, size);
}

Progress ByteStream::write_now(std::string_view bytes) {
  if (timed_out_ || interrupted_) return {};
  return ssl_ ? write_tls(bytes) : send(bytes);
}

Task<bool> ByteStream::wait(Progress::Kind kind) {
  const bool all_read = kind == Progress::Kind::kWantRead && drained_ && tells_rest_;
  return all_read && !socket_.is_awaited() ? wait_for_more() : wait_anew(kind);
}

Task<bool> ByteStream::wait_for_more() {
  if (timed_out_ || interrupted_ || !socket_.is_open()) co_return false;
  const auto [error] = co_await socket_.async_wait_for_more(kAwait);
  if (error) system_error_ = error.value();
  drained_ = false;
  co_return !error && !timed_out_ && !interrupted_;
}

Task<bool> ByteStream::wait_anew(Progress::Kind kind) {
  if (timed_out_ || interrupted_ || !socket_.is_open()) co_return false;
  const bool reads = kind == Progress::Kind::kWantRead;
  std::optional<WatchedSocket::Sharing> sharing;
  if (reads) sharing.emplace(socket_);
  const auto [error] = co_await socket_.async_wait(
      reads ? StreamSocket::wait_read : StreamSocket::wait_write, kAwait);
  if (error) system_error_ = error.value();
  if (reads) drained_ = false;
  co_return !error && !timed_out_ && !interrupted_;
}

Task<Result<std::size_t>> ByteStream::read_some(char* data, std::size_t size) {
  while (true) {
    const Progress progress = read_now(data, size);
    if (progress.kind == Progress::Kind::kBytes) co_return progress.count;
    if (progress.kind == Progress::Kind::kEnd) co_return std::size_t{0};
    if (!must_wait(progress.kind)) co_return fail(failure());
    const bool ready = co_await wait(progress.kind);
    if (!ready) co_return fail(failure());
  }
}

Task<Status> ByteStream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const Progress progress = write_now(bytes);
    bytes.remove_prefix(progress.count);
    if (progress.kind == Progress::Kind::kBytes) continue;
    if (!must_wait(progress.kind)) co_return fail(failure());
    const bool ready = co_await wait(progress.kind);
    if (!ready) co_return fail(failure());
  }
  co_return Status{};
}

Task<Result<std::string_view>> ByteStream::peek(std::size_t at_least) {
  at_least = std::clamp(at_least, std::size_t{1}, kMaxPeek);
  while (!ssl_ && !timed_out_ && !interrupted_ && ahead_.size() < at_least && !socket_ended_) {
    // Straight from the socket, behind what is there already.
    std::string before = std::exchange(ahead_, {});
    const std::size_t have = before.size();
    before.resize(kMaxPeek);
    const Progress progress = receive(before.data() + have, kMaxPeek - have);
    before.resize(have + progress.count);
    ahead_ = std::move(before);
    if (progress.kind == Progress::Kind::kFailed) co_return fail(failure());
    if (progress.kind != Progress::Kind::kWantRead) continue;
    const bool ready = co_await wait(progress.kind);
    if (!ready) co_return fail(failure());
  }
  if (ssl_) co_return fail(Code::kInternal, "peek under TLS");
  if (timed_out_ || interrupted_) co_return fail(failure());
  co_return std::string_view(ahead_);
}

void ByteStream::unread(std::string_view bytes) { ahead_.insert(0, bytes); }

Task<Status> ByteStream::shutdown_send() {
  if (timed_out_ || interrupted_) co_return fail(failure());
  if (!ssl_) {
    boost::system::error_code error;
    socket_.shutdown(StreamSocket::shutdown_send, error);
    if (error) broken(error.value());
    co_return error ? Status(fail(failure())) : Status{};
  }
  while (true) {
    begin_tls_call();
    const int returned = SSL_shutdown(ssl_.get());
    if (returned >= 0) co_return Status{};  // 0: ours is sent, the peer's has not come
    const Progress progress = tls_outcome(returned);
    if (!must_wait(progress.kind)) co_return fail(failure());
    const bool ready = co_await wait(progress.kind);
    if (!ready) co_return fail(failure());
  }
}

void ByteStream::close() {
  tell_end();
  interrupted_ = true;
  CoarseTimer::Entry::clear_deadline();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void ByteStream::abort() {
  interrupted_ = true;
  CoarseTimer::Entry::clear_deadline();
  boost::system::error_code ignored;
  // Closing with no time to linger sends RST.
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  socket_.close(ignored);
}

void ByteStream::interrupt() {
  interrupted_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void ByteStream::watch() {
  if (drained_ && tells_rest_ && socket_.is_open()) socket_.watch();
}

bool ByteStream::reset_by_peer() {
  if (!socket_.is_open()) return true;
  pollfd one{.fd = socket_.native_handle(), .events = 0, .revents = 0};
  return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLERR | POLLHUP)) != 0;
}

bool ByteStream::ended_by_peer() {
  if (reset_by_peer()) return true;
  pollfd one{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&one, 1, 0) > 0 && (one.revents & POLLRDHUP) != 0;
}

Error ByteStream::failure() const {
  if (interrupted_) return {.code = Code::kCancelled, .message = "the connection was given up"};
  if (timed_out_) return {.code = Code::kTimeout, .message = "the connection took too long"};
  if (tls_broken_) {
    return {.code = Code::kMalformed, .message = "TLS: " + describe_tls_error(tls_error_)};
  }
  if (system_error_ == ECANCELED) return {.code = Code::kCancelled, .message = "cancelled"};
  if (system_error_ != 0) {
    return {.code = Code::kUnavailable,
            .message = std::error_code(system_error_, std::system_category()).message()};
  }
  return {.code = Code::kUnavailable, .message = "the peer closed the connection"};
}

}  // namespace deployclaw::net
