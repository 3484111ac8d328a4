#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

// A socket without manners, to say to a server what no library would. While it waits it runs the
// server's loop, so that a test needs one thread only.
namespace deployclaw::net::testing {

class RawClient {
 public:
  RawClient(boost::asio::io_context& io, std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Sends all of it; false when the server has gone.
  bool send(std::string_view bytes);
  void shutdown_send();
  // Reads until what came holds `text`, the server closes, or 20 s have passed; returns and forgets
  // everything read so far.
  std::string read_until(std::string_view text);
  std::string read_to_end() { return read_until("\x01never\x01"); }
  // True once the server has closed (drops what it sends before).
  bool closed_by_server();
  void set_receive_buffer(int bytes) const;
  void close();
  void reset();  // closes so that the server sees a reset

 private:
  bool receive();  // false at the end
  boost::asio::io_context& io_;
  int fd_;
  std::string received_;
  bool ended_ = false;
};

// Runs the loop until `done` holds or 20 s have passed; returns whether it holds.
template <class Done>
bool run_until(boost::asio::io_context& io, Done done) {
  io.restart();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  bool holds = done();  // asked once each time, because asking may consume what it finds
  while (!holds && std::chrono::steady_clock::now() < limit) {
    io.run_one_for(std::chrono::milliseconds(10));
    io.restart();
    holds = done();
  }
  return holds;
}

inline RawClient::RawClient(boost::asio::io_context& io, std::uint16_t port)
    : io_(io), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("connect failed");
  }
}

inline RawClient::~RawClient() { close(); }

inline void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

inline void RawClient::reset() {
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close();
}

inline bool RawClient::send(std::string_view bytes) {
  bool broken = false;
  const auto push = [&] {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN) broken = true;
    return broken || bytes.empty();
  };
  return run_until(io_, push) && !broken;
}

inline void RawClient::shutdown_send() { ::shutdown(fd_, SHUT_WR); }

inline void RawClient::set_receive_buffer(int bytes) const {
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

inline bool RawClient::receive() {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) received_.append(buffer.data(), static_cast<std::size_t>(count));
  if (count == 0 || (count < 0 && errno != EAGAIN)) ended_ = true;
  return !ended_;
}

inline std::string RawClient::read_until(std::string_view text) {
  const auto done = [&] {
    receive();
    return ended_ || received_.find(text) != std::string::npos;
  };
  run_until(io_, done);
  return std::exchange(received_, {});
}

inline bool RawClient::closed_by_server() {
  return run_until(io_, [&] { return !receive(); });
}

}  // namespace deployclaw::net::testing
