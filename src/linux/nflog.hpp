#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"

namespace deployclaw::linux {

// Where a packet came from and would have gone, as far as its first bytes tell.
struct PacketAddresses {
  boost::asio::ip::address source;
  boost::asio::ip::address destination;
  std::uint8_t protocol = 0;           // IANA number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6
  std::uint16_t source_port = 0;       // 0 where the protocol has none, or it lies beyond the
  std::uint16_t destination_port = 0;  // bytes at hand, as in all fragments but the first
};

// Reads an IPv4 or IPv6 packet (RFC 791, RFC 8200) cut off anywhere; nullopt when its addresses
// are not there or it is no such packet. Pure, O(n), reads nothing beyond `bytes`.
std::optional<PacketAddresses> read_packet(std::span<const unsigned char> bytes);

// A packet that a rule told of before dropping it.
struct LoggedPacket {
  std::string prefix;              // the rule's text, at most 127 bytes
  std::uint32_t in_interface = 0;  // index; 0 when it came from this host
  PacketAddresses packet;
};

// The packets in one datagram from the kernel (netlink, subsystem NFULNL). What is no logged IP
// packet is left out; hostile bytes can only be inside a packet, and reading does not depend on
// that.
std::vector<LoggedPacket> read_log_datagram(std::span<const unsigned char> datagram);

// A dropped packet with its interface's name; empty when that is gone by now.
struct DroppedPacket {
  std::string reason;  // of FirewallCounters: "spoofed", "ipv6", "host", "forwarded"
  std::string interface;
  PacketAddresses packet;
};

// Listens to one NFLOG group of the network namespace that open() was called in; the kernel allows
// one listener per group. Needs CAP_NET_ADMIN there. Single-threaded.
class DropLog {
 public:
  // kForbidden without the right, and when another socket listens to this group: the kernel says
  // the same of both.
  static Result<DropLog> open(const boost::asio::any_io_executor& executor, std::uint16_t group);

  // Waits for the next packets; never empty. Some may be missing before them when more came than
  // the kernel would hold. kCancelled, or kUnavailable when the socket fails: open anew. Call it
  // in the thread that opened (interface names are looked up in its namespace).
  Task<Result<std::vector<DroppedPacket>>> next();
  // Lets the group go. A pending next() ends with kCancelled; later ones fail. Idempotent.
  void close();

 private:
  explicit DropLog(boost::asio::posix::stream_descriptor socket) : socket_(std::move(socket)) {}

  boost::asio::posix::stream_descriptor socket_;
};

}  // namespace deployclaw::linux
