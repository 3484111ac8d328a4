#include "egress/packet_channel.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <filesystem>

#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using net::testing::run_both;
using net::testing::run_task;

class PacketChannelTest : public ::testing::Test {
 protected:
  PacketChannelTest() : ends(make_packet_pair().value()) {}

  Result<Packet> receive() { return run_task(io, right.receive()); }

  asio::io_context io;
  std::pair<linux::UniqueFd, linux::UniqueFd> ends;
  PacketChannel left{io.get_executor(), std::move(ends.first)};
  PacketChannel right{io.get_executor(), std::move(ends.second)};
};

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

TEST_F(PacketChannelTest, KeepsPacketsWholeAndInOrder) {
  ASSERT_TRUE(left.send("one"));
  ASSERT_TRUE(left.send(std::string(PacketChannel::kMostBytes, 'x')));
  ASSERT_TRUE(left.send(std::string_view("t\0o", 3)));
  EXPECT_EQ(receive()->bytes, "one");
  EXPECT_EQ(receive()->bytes.size(), PacketChannel::kMostBytes);
  EXPECT_EQ(receive()->bytes, std::string_view("t\0o", 3));
}

TEST_F(PacketChannelTest, RefusesWhatIsTooLarge) {
  const auto sent = left.send(std::string(PacketChannel::kMostBytes + 1, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kTooLarge);
}

TEST_F(PacketChannelTest, PassesAFileDescriptorAndLeavesTheSendersOpen) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  const linux::UniqueFd reads(pipe_ends[0]);
  const linux::UniqueFd writes(pipe_ends[1]);
  ASSERT_TRUE(left.send("take this", writes.get()));
  ASSERT_TRUE(left.send("and nothing"));
  const auto packet = receive();
  ASSERT_TRUE(packet && packet->fd.valid());
  EXPECT_EQ(packet->bytes, "take this");
  EXPECT_NE(packet->fd.get(), writes.get());
  EXPECT_EQ(fcntl(packet->fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(writes.get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(write(packet->fd.get(), "x", 1), 1);
  char got = 0;
  EXPECT_EQ(read(reads.get(), &got, 1), 1);
  EXPECT_FALSE(receive()->fd.valid());
}

// What a worker that has been taken over would do to use its supervisor's descriptors up.
TEST_F(PacketChannelTest, KeepsNoDescriptorBeyondTheOneItHandsOut) {
  auto raw = make_packet_pair().value();
  PacketChannel channel(io.get_executor(), std::move(raw.second));
  const auto before = open_files();
  for (int round = 0; round < 50; ++round) {
    char byte = 'x';
    iovec part{&byte, 1};
    const std::array<int, 3> fds{raw.first.get(), raw.first.get(), raw.first.get()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
    ASSERT_EQ(sendmsg(raw.first.get(), &message, MSG_NOSIGNAL), 1);
    (void)run_task(io, channel.receive());
  }
  EXPECT_EQ(open_files(), before);
}

Task<std::vector<std::string>> receive_all(PacketChannel& channel, std::size_t count) {
  std::vector<std::string> out;
  while (out.size() < count) {
    auto packet = co_await channel.receive();
    if (!packet) break;
    out.push_back(std::move(packet->bytes));
  }
  co_return out;
}

TEST_F(PacketChannelTest, QueuesWhatTheOtherEndDoesNotTakeYet) {
  constexpr std::size_t kCount = 2'000;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < kCount; ++i) {
    wanted.push_back(std::to_string(i) + std::string(1'000, '.'));
    ASSERT_TRUE(left.send(wanted.back())) << i;
  }
  EXPECT_EQ(run_task(io, receive_all(right, kCount)), wanted);
}

TEST_F(PacketChannelTest, QueuedDescriptorsOutliveTheSendersCopy) {
  std::size_t sent = 0;
  // More than any socket buffer holds.
  for (; sent < 300; ++sent) ASSERT_TRUE(left.send(std::string(10'000, '.')));
  {
    const linux::UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(left.send("last", file.get()));
  }
  EXPECT_EQ(run_task(io, receive_all(right, sent)).size(), sent);
  const auto last = receive();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->bytes, "last");
  EXPECT_TRUE(last->fd.valid());
}

TEST_F(PacketChannelTest, GivesUpOnAnEndThatNeverReads) {
  Status sent;
  std::size_t taken = 0;
  while (sent && taken < 3 * PacketChannel::kMostQueued) {
    sent = left.send(std::string(1'000, '.'));
    ++taken;
  }
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kUnavailable);
  EXPECT_GE(taken, PacketChannel::kMostQueued);
}

TEST_F(PacketChannelTest, TellsTheEndBehindThePacketsThatWereSent) {
  ASSERT_TRUE(left.send("last words"));
  left.close();
  EXPECT_FALSE(left.is_open());
  EXPECT_EQ(left.send("more").error().code, Code::kUnavailable);
  EXPECT_EQ(receive()->bytes, "last words");
  EXPECT_EQ(receive().error().code, Code::kUnavailable);
  EXPECT_EQ(right.send("to nobody").error().code, Code::kUnavailable);
}

Task<bool> close_soon(PacketChannel& channel) {
  co_await sleep_for(std::chrono::milliseconds(5));
  channel.close();
  co_return true;
}

TEST_F(PacketChannelTest, ClosingEndsAWaitingReceive) {
  const auto [received, closed] = run_both(io, right.receive(), close_soon(right));
  ASSERT_TRUE(closed);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, Code::kCancelled);
  EXPECT_EQ(receive().error().code, Code::kCancelled);
}

}  // namespace
}  // namespace deployclaw::egress
