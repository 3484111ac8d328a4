#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/task.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// Both ends of a SOCK_SEQPACKET pair, non-blocking and closed on exec.
Result<std::pair<linux::UniqueFd, linux::UniqueFd>> make_packet_pair();

// One packet: its bytes, and a file descriptor when one travelled with it.
struct Packet {
  std::string bytes;
  linux::UniqueFd fd;
};

// One end of a packet socket between two processes: packets arrive whole, in order, or not at all.
// One thread. Its own buffers are wiped once a packet has passed; the caller wipes what it gave and
// got, where that holds a secret.
class PacketChannel {
 public:
  static constexpr std::size_t kMostBytes = 64UL * 1024;
  static constexpr std::size_t kMostQueued = 4096;

  PacketChannel(boost::asio::any_io_executor executor, linux::UniqueFd socket);

  // Sends now or queues; `fd` is duplicated by the kernel, the caller's stays. kUnavailable when
  // the other end is gone or does not keep up with kMostQueued packets, kTooLarge above kMostBytes.
  Status send(std::string_view bytes, int fd = -1);

  // The next packet. kUnavailable when the other end is gone, kCancelled after close(). At most one
  // receiver at a time.
  Task<Result<Packet>> receive();

  // A packet that is there already; nullopt when there is none, or never will be.
  std::optional<Packet> receive_now();

  // The pending receive() ends; queued packets are dropped.
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

 private:
  enum class Sent { kYes, kLater, kNever };
  Sent send_one(std::string_view bytes, int fd);
  Result<Packet> receive_one(bool& nothing);
  void flush_when_writable();
  void flush();
  void drop_queue();

  boost::asio::posix::stream_descriptor socket_;
  std::deque<Packet> queue_;
  bool flushing_ = false;
};

}  // namespace deployclaw::egress
