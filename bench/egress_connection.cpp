#include "egress_connection.hpp"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace deployclaw::bench {
namespace {

constexpr std::size_t kReadSize = 64UL << 10;

}  // namespace

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void Connection::open(int epoll) {
  close();
  opened_at_ = now_ns();
  stage_ = Stage::kConnecting;
  reader_ = ResponseReader();
  tunnel_answer_.clear();
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return;
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);
  event.data.ptr = this;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API takes
  // addresses.
  const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
  const bool started =
      connect(socket_, address, sizeof(target_.address)) == 0 || errno == EINPROGRESS;
  if (!started || epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event) != 0) close();
}

void Connection::close() {
  if (socket_ < 0) return;
  if (ssl_ && stage_ >= Stage::kReady) SSL_shutdown(ssl_.get());
  ssl_.reset();
  ERR_clear_error();
  ::close(socket_);
  socket_ = -1;
}

void Connection::send(std::string_view request) {
  request_ = request;
  sent_ = 0;
  sent_at_ = now_ns();
  stage_ = Stage::kSending;
}

Connection::Event Connection::fail(const char* why) {
  failure_ = why;
  return Event::kFailed;
}

Connection::Event Connection::wait_or_fail(int result, const char* why) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Event::kWaiting;
  return fail(why);
}

Connection::Event Connection::advance() {
  if (socket_ < 0) return fail("connect");
  switch (stage_) {
    case Stage::kConnecting:
      return connect_step();
    case Stage::kTunnelling:
      return tunnel_step();
    case Stage::kShaking:
      return shake_step();
    case Stage::kReady:
      return Event::kWaiting;
    case Stage::kSending:
      return send_step();
    case Stage::kReading:
      return read_step();
  }
  return fail("stage");
}

Connection::Event Connection::connect_step() {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail("connect");
  sockaddr_in peer{};
  socklen_t peer_size = sizeof(peer);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the socket API takes
  // addresses.
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
    return Event::kWaiting;  // the first event can come before the connection is there
  }
  if (target_.tunnel.empty()) return start_tls() ? shake_step() : fail("tls");
  const std::string connect_request =
      "CONNECT " + target_.tunnel + " HTTP/1.1\r\nHost: " + target_.tunnel + "\r\n\r\n";
  const ssize_t written =
      ::send(socket_, connect_request.data(), connect_request.size(), MSG_NOSIGNAL);
  if (written != static_cast<ssize_t>(connect_request.size())) return fail("CONNECT");
  stage_ = Stage::kTunnelling;
  return tunnel_step();
}

Connection::Event Connection::tunnel_step() {
  std::array<char, 1024> buffer{};
  const ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == EAGAIN) return Event::kWaiting;
  if (size <= 0) return fail("closed in CONNECT");
  tunnel_answer_.append(buffer.data(), static_cast<std::size_t>(size));
  if (!tunnel_answer_.ends_with("\r\n\r\n")) return Event::kWaiting;
  if (tunnel_answer_.size() < 12 || tunnel_answer_.compare(9, 3, "200") != 0) {
    return fail("CONNECT refused");
  }
  return start_tls() ? shake_step() : fail("tls");
}

bool Connection::start_tls() {
  stage_ = Stage::kShaking;
  ssl_.reset(SSL_new(target_.context));
  if (!ssl_) return false;
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  if (!target_.verified && SSL_set1_host(ssl_.get(), target_.host.c_str()) != 1) return false;
  // SSL_set_tlsext_host_name without its C cast.
  if (SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               target_.host.data()) != 1) {
    return false;
  }
  return SSL_set_fd(ssl_.get(), socket_) == 1;
}

Connection::Event Connection::shake_step() {
  const int result = SSL_connect(ssl_.get());
  if (result != 1) return wait_or_fail(result, "TLS handshake");
  target_.verified = true;
  stage_ = Stage::kReady;
  return Event::kOpened;
}

Connection::Event Connection::send_step() {
  while (sent_ < request_.size()) {
    std::size_t written = 0;
    const int result =
        SSL_write_ex(ssl_.get(), request_.data() + sent_, request_.size() - sent_, &written);
    if (result != 1) return wait_or_fail(result, "send");
    sent_ += written;
  }
  stage_ = Stage::kReading;
  return read_step();
}

Connection::Event Connection::read_step() {
  static thread_local std::array<char, kReadSize> buffer;
  while (true) {
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
    if (result != 1) return wait_or_fail(result, "closed before the answer's end");
    const auto state = reader_.feed({buffer.data(), size}, keep_body_ ? &body_ : nullptr);
    if (state == ResponseReader::State::kBroken) return fail("not the answer expected");
    if (state == ResponseReader::State::kMore) continue;
    stage_ = Stage::kReady;
    return Event::kAnswered;
  }
}

}  // namespace deployclaw::bench
