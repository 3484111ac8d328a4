#include "linux/nflog.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/await.hpp"
#include "base/encoding.hpp"
#include "linux/file.hpp"

namespace deployclaw::linux {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kDatagramBytes = 65'536;
constexpr std::uint32_t kCopyBytes = 64;  // headers, hardly any of what an agent sends
constexpr std::uint32_t kFlushHundredths = 20;
constexpr std::size_t kMaxPrefix = 127;
constexpr int kMaxExtensionHeaders = 8;

// IANA protocol numbers.
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kDccp = 33;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kUdpLite = 136;

using Span = std::span<const unsigned char>;

std::uint16_t u16_at(Span bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

bool has_ports(std::uint8_t protocol) {
  static constexpr std::array kWithPorts = {kTcp, kUdp, kDccp, kSctp, kUdpLite};
  return std::ranges::find(kWithPorts, protocol) != kWithPorts.end();
}

void read_ports(PacketAddresses& out, Span transport) {
  if (!has_ports(out.protocol) || transport.size() < 4) return;
  out.source_port = u16_at(transport, 0);
  out.destination_port = u16_at(transport, 2);
}

std::optional<PacketAddresses> read_ipv4(Span bytes) {
  constexpr std::size_t kLeast = 20;
  const std::size_t header = (bytes[0] & 0xFU) * 4;
  if (bytes.size() < kLeast || header < kLeast) return std::nullopt;
  asio::ip::address_v4::bytes_type source;
  asio::ip::address_v4::bytes_type destination;
  std::memcpy(source.data(), &bytes[12], source.size());
  std::memcpy(destination.data(), &bytes[16], destination.size());
  PacketAddresses out{.source = asio::ip::address_v4(source),
                      .destination = asio::ip::address_v4(destination),
                      .protocol = bytes[9]};
  const bool is_first_fragment = (u16_at(bytes, 6) & 0x1FFF) == 0;
  if (is_first_fragment && header <= bytes.size()) read_ports(out, bytes.subspan(header));
  return out;
}

std::optional<PacketAddresses> read_ipv6(Span bytes) {
  constexpr std::size_t kHeader = 40;
  if (bytes.size() < kHeader) return std::nullopt;
  asio::ip::address_v6::bytes_type source;
  asio::ip::address_v6::bytes_type destination;
  std::memcpy(source.data(), &bytes[8], source.size());
  std::memcpy(destination.data(), &bytes[24], destination.size());
  PacketAddresses out{.source = asio::ip::address_v6(source),
                      .destination = asio::ip::address_v6(destination),
                      .protocol = bytes[6]};
  auto rest = bytes.subspan(kHeader);
  for (int i = 0; i < kMaxExtensionHeaders; ++i) {
    if (out.protocol != kHopByHop && out.protocol != kRouting && out.protocol != kFragment &&
        out.protocol != kDestinationOptions) {
      break;
    }
    if (rest.size() < 8) return out;
    const bool is_fragment = out.protocol == kFragment;
    const bool is_later_fragment = is_fragment && (u16_at(rest, 2) & 0xFFF8) != 0;
    const std::size_t size = is_fragment ? 8 : (rest[1] + 1U) * 8;
    out.protocol = rest[0];
    if (is_later_fragment || size > rest.size()) return out;
    rest = rest.subspan(size);
  }
  read_ports(out, rest);
  return out;
}

Span payload_of(const nlattr* attribute) {
  return {static_cast<const unsigned char*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

std::string text_of(Span bytes) {
  const auto end = std::ranges::find(bytes, '\0');
  std::string text(bytes.begin(), end);
  if (text.size() > kMaxPrefix) text.resize(kMaxPrefix);
  return text;
}

// A message as it is being read; libmnl calls take() for each attribute.
struct Reading {
  LoggedPacket logged;
  bool has_packet = false;

  void take(const nlattr* attribute) {
    const auto payload = payload_of(attribute);
    switch (mnl_attr_get_type(attribute)) {
      case NFULA_IFINDEX_INDEV:
        if (payload.size() == 4) logged.in_interface = ntohl(mnl_attr_get_u32(attribute));
        break;
      case NFULA_PREFIX:
        logged.prefix = text_of(payload);
        break;
      case NFULA_PAYLOAD:
        if (auto packet = read_packet(payload)) {
          logged.packet = std::move(*packet);
          has_packet = true;
        }
        break;
      default:
        break;
    }
  }
};

std::optional<LoggedPacket> read_logged(const nlmsghdr* message) {
  Reading reading;
  const auto visit = [](const nlattr* attribute, void* data) {
    static_cast<Reading*>(data)->take(attribute);
    return MNL_CB_OK;
  };
  mnl_attr_parse(message, sizeof(nfgenmsg), visit, &reading);
  if (!reading.has_packet) return std::nullopt;
  return std::move(reading.logged);
}

// One message says all: bind to the group, copy this much of each packet, do not wait long.
Status configure(int socket, std::uint16_t group) {
  alignas(nlmsghdr) std::array<char, 256> buffer{};
  auto* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* body = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  body->nfgen_family = AF_UNSPEC;
  body->version = NFNETLINK_V0;
  body->res_id = htons(group);
  const nfulnl_msg_config_cmd command{.command = NFULNL_CFG_CMD_BIND};
  mnl_attr_put(message, NFULA_CFG_CMD, sizeof command, &command);
  const nfulnl_msg_config_mode mode{
      .copy_range = htonl(kCopyBytes), .copy_mode = NFULNL_COPY_PACKET, ._pad = 0};
  mnl_attr_put(message, NFULA_CFG_MODE, sizeof mode, &mode);
  mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(kFlushHundredths));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket, message, message->nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0) {
    return fail_errno("ask for the packet log", errno);
  }
  // Packets may come before the acknowledgement; those are passed over.
  alignas(nlmsghdr) std::array<char, 8192> answer{};
  for (;;) {
    const auto size = ::recv(socket, answer.data(), answer.size(), 0);
    if (size < 0) return fail_errno("bind to the packet log", errno);
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (!mnl_nlmsg_ok(header, static_cast<int>(size)) || header->nlmsg_type != NLMSG_ERROR) {
      continue;
    }
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header));
    if (error->error == 0) return {};
    return fail_errno("bind to the packet log (has it another listener?)", -error->error);
  }
}

bool comes_from_kernel(const sockaddr_nl& sender) { return sender.nl_pid == 0; }

}  // namespace

std::optional<PacketAddresses> read_packet(Span bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4:
      return read_ipv4(bytes);
    case 6:
      return read_ipv6(bytes);
    default:
      return std::nullopt;
  }
}

std::vector<LoggedPacket> read_log_datagram(Span datagram) {
  std::vector<LoggedPacket> found;
  // libmnl reads headers in place, so they must be aligned as it expects.
  alignas(nlmsghdr) static thread_local std::array<unsigned char, kDatagramBytes> aligned;
  const auto size = std::min(datagram.size(), aligned.size());
  std::copy_n(datagram.begin(), size, aligned.begin());
  std::size_t at = 0;
  while (size - at >= sizeof(nlmsghdr)) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(aligned.data() + at);
    // Not mnl_nlmsg_ok(): it takes a length over 2 GiB for a negative one, and so for a good one.
    const std::size_t length = message->nlmsg_len;
    if (length < sizeof(nlmsghdr) || length > size - at) break;
    const bool is_packet = message->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
    if (is_packet && length >= sizeof(nlmsghdr) + sizeof(nfgenmsg)) {
      if (auto logged = read_logged(message)) found.push_back(std::move(*logged));
    }
    at += std::min((length + 3) & ~std::size_t{3}, size - at);
  }
  return found;
}

Result<DropLog> DropLog::open(const asio::any_io_executor& executor, std::uint16_t group) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.valid()) return fail_errno("open netlink socket", errno);
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    return fail_errno("prepare netlink socket", errno);
  }
  if (auto done = configure(socket.get(), group); !done) return fail(done.error());
  const int fd = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fail_errno("duplicate netlink socket", errno);
  asio::posix::stream_descriptor descriptor(executor, fd);
  return DropLog(std::move(descriptor));
}

void DropLog::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Task<Result<std::vector<DroppedPacket>>> DropLog::next() {
  Bytes datagram(kDatagramBytes);
  for (;;) {
    const auto [error] =
        co_await socket_.async_wait(asio::posix::descriptor_base::wait_read, kAwait);
    if (error) co_return fail(Code::kCancelled, "packet log: " + error.message());
    sockaddr_nl sender{};
    socklen_t length = sizeof sender;
    const auto size = ::recvfrom(socket_.native_handle(), datagram.data(), datagram.size(),
                                 MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&sender), &length);
    // ENOBUFS says that some were lost; the firewall's counters have them all.
    const int failure = size < 0 ? errno : 0;
    if (failure == EAGAIN || failure == EINTR || failure == ENOBUFS) continue;
    if (failure != 0) {
      co_return fail(Code::kUnavailable, std::string("packet log: ") + std::strerror(failure));
    }
    if (!comes_from_kernel(sender)) continue;
    std::vector<DroppedPacket> dropped;
    const Span whole(datagram.data(), static_cast<std::size_t>(size));
    for (auto& logged : read_log_datagram(whole)) {
      std::array<char, IF_NAMESIZE> name{};
      if (logged.in_interface != 0) ::if_indextoname(logged.in_interface, name.data());
      dropped.push_back({std::move(logged.prefix), name.data(), logged.packet});
    }
    if (!dropped.empty()) co_return dropped;
  }
}

}  // namespace deployclaw::linux
