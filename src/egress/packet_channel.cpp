#include "egress/packet_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace deployclaw::egress {

namespace asio = boost::asio;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

Result<std::pair<linux::UniqueFd, linux::UniqueFd>> make_packet_pair() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return linux::fail_errno("socketpair", errno);
  }
  return std::pair(linux::UniqueFd(ends[0]), linux::UniqueFd(ends[1]));
}

PacketChannel::PacketChannel(asio::any_io_executor executor, linux::UniqueFd socket)
    : socket_(std::move(executor), dup(socket.get())) {
  fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  socket_.non_blocking(true);
}

PacketChannel::Sent PacketChannel::send_one(std::string_view bytes, int fd) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (true) {
    if (sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
      return Sent::kYes;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == ENOBUFS ? Sent::kLater : Sent::kNever;
  }
}

Status PacketChannel::send(std::string_view bytes, int fd) {
  if (bytes.size() > kMostBytes) return fail(Code::kTooLarge, "packet too large");
  if (!socket_.is_open()) return fail(Code::kUnavailable, "the channel is closed");
  if (queue_.empty()) {
    const Sent sent = send_one(bytes, fd);
    if (sent == Sent::kYes) return {};
    if (sent == Sent::kNever) return fail(Code::kUnavailable, "the other end is gone");
  }
  if (queue_.size() >= kMostQueued) {
    return fail(Code::kUnavailable, "the other end does not keep up");
  }
  queue_.push_back({std::string(bytes),
                    fd >= 0 ? linux::UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0)) : linux::UniqueFd()});
  flush_when_writable();
  return {};
}

void PacketChannel::flush_when_writable() {
  if (flushing_) return;
  flushing_ = true;
  socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                     [this](boost::system::error_code error) {
                       if (error == asio::error::operation_aborted) return;
                       flushing_ = false;
                       flush();
                     });
}

void PacketChannel::flush() {
  while (!queue_.empty()) {
    const Sent sent = send_one(queue_.front().bytes, queue_.front().fd.get());
    if (sent == Sent::kLater) {
      flush_when_writable();
      return;
    }
    if (sent == Sent::kNever) {
      queue_.clear();
      return;
    }
    queue_.pop_front();
  }
}

Result<Packet> PacketChannel::receive_one(bool& nothing) {
  static thread_local std::array<char, kMostBytes> buffer;
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket_.native_handle(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
  if (nothing) return Packet{};
  Packet packet;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    // Alignment leaves room for a second one. Whatever the kernel made must be closed again, or the
    // other end could use this process's descriptors up.
    const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      linux::UniqueFd owned(fd);
      if (!packet.fd.valid()) packet.fd = std::move(owned);
    }
  }
  // Nobody sends an empty packet: nothing read is the end.
  if (got <= 0) return fail(Code::kUnavailable, "the other end is gone");
  packet.bytes.assign(buffer.data(), static_cast<std::size_t>(got));
  return packet;
}

Task<Result<Packet>> PacketChannel::receive() {
  while (socket_.is_open()) {
    bool nothing = false;
    auto packet = receive_one(nothing);
    if (!nothing) co_return packet;
    const auto [error] =
        co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, kAsTuple);
    if (error) co_return fail(Code::kCancelled, "the channel was closed");
  }
  co_return fail(Code::kCancelled, "the channel was closed");
}

std::optional<Packet> PacketChannel::receive_now() {
  if (!socket_.is_open()) return std::nullopt;
  bool nothing = false;
  auto packet = receive_one(nothing);
  if (nothing || !packet) return std::nullopt;
  return std::move(*packet);
}

void PacketChannel::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  queue_.clear();
}

}  // namespace deployclaw::egress
