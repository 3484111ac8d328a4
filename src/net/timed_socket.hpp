#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "net/coarse_timer.hpp"

namespace deployclaw::net {

using StreamSocket = boost::asio::generic::stream_protocol::socket;

// The server's end of a TCP or unix connection with one deadline at a time: when it passes, the
// pending read or write ends and every later one fails at once, until a new deadline is set.
class TimedSocket final : private CoarseTimer::Entry {
 public:
  TimedSocket(StreamSocket socket, CoarseTimer& timer);

  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline();
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  // Bytes read; 0 at the end, on an error, past the deadline or after interrupt().
  Task<std::size_t> read_some(char* data, std::size_t size);
  // Reads what is there now without waiting: nullopt when nothing is, 0 at the end or on error.
  std::optional<std::size_t> read_now(char* data, std::size_t size);
  // Sends both parts with one system call if the kernel takes them. Takes what was sent off the
  // views: true when all is sent, false when the peer is gone, nullopt when it must wait.
  std::optional<bool> send_now(std::string_view& head, std::string_view& body);
  // As send_now, but waits until all is sent. False: peer gone or past the deadline. What the views
  // show must outlive the call.
  Task<bool> send(std::string_view head, std::string_view body = {});

  // The pending and every later read and write fails.
  void interrupt();
  // Tells the peer that nothing more comes.
  void shutdown_send();
  void close();
  StreamSocket& raw() { return socket_; }

 private:
  void on_deadline() override;

  StreamSocket socket_;
  bool timed_out_ = false;
  bool interrupted_ = false;
};

}  // namespace deployclaw::net
