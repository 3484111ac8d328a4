#include "egress/packet_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "base/await.hpp"
#include "base/secret.hpp"
#include "linux/packet.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

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
  const auto beside = fd >= 0 ? std::span(&fd, 1) : std::span<const int>();
  const int error = linux::send_packet(socket_.native_handle(), bytes, beside, MSG_DONTWAIT);
  if (error == 0) return Sent::kYes;
  return error == EAGAIN || error == ENOBUFS ? Sent::kLater : Sent::kNever;
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
      drop_queue();
      return;
    }
    wipe_string(queue_.front().bytes);
    queue_.pop_front();
  }
}

Result<Packet> PacketChannel::receive_one(bool& nothing) {
  static thread_local std::array<char, kMostBytes> buffer;
  std::vector<linux::UniqueFd> fds;
  const ssize_t got = linux::receive_packet(socket_.native_handle(), buffer, fds, MSG_DONTWAIT);
  nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
  if (nothing) return Packet{};
  // Nobody sends an empty packet: nothing read is the end.
  if (got <= 0) return fail(Code::kUnavailable, "the other end is gone");
  Packet packet;
  packet.bytes.assign(buffer.data(), static_cast<std::size_t>(got));
  wipe_memory(buffer.data(), static_cast<std::size_t>(got));
  // One travels with a packet; any others are closed here.
  if (!fds.empty()) packet.fd = std::move(fds.front());
  return packet;
}

Task<Result<Packet>> PacketChannel::receive() {
  while (socket_.is_open()) {
    bool nothing = false;
    auto packet = receive_one(nothing);
    if (!nothing) co_return packet;
    const auto [error] =
        co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, kAwait);
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
  drop_queue();
}

void PacketChannel::drop_queue() {
  for (auto& packet : queue_) wipe_string(packet.bytes);
  queue_.clear();
}

}  // namespace deployclaw::egress
