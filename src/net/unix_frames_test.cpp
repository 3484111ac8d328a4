#include "net/unix_frames.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::net {
namespace {

using testing::run_task;
using testing::run_until;
using namespace std::chrono_literals;
using namespace std::string_literals;

Task<std::string> answer(PeerCredentials peer, std::string frame) {
  if (frame == "who") co_return std::to_string(peer.uid) + ":" + std::to_string(peer.pid);
  if (frame == "hang") {
    co_await sleep_for(std::chrono::hours(1));
  }
  if (frame == "slow") {
    co_await sleep_for(100ms);
  }
  if (frame == "throw") throw std::runtime_error("frame fault of a test");
  co_return "<" + frame + ">";
}

class FramesTest : public ::testing::Test {
 protected:
  FramesTest() : path_("/tmp/deployclaw-frames-" + std::to_string(::getpid()) + ".sock") {
    server_ = std::make_unique<FrameServer>(io_.get_executor(), path_, 0640, answer, 100'000);
    EXPECT_TRUE(server_->start());
  }
  ~FramesTest() override {
    client_.close();
    if (server_) run_task(io_, server_->stop());
  }
  Result<std::string> call(std::string frame, std::chrono::milliseconds deadline = 20s) {
    return run_task(io_, client_.call(std::move(frame), deadline));
  }
  // A connected socket that speaks no protocol.
  [[nodiscard]] int raw() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  boost::asio::io_context io_{1};
  std::string path_;
  std::unique_ptr<FrameServer> server_;
  FrameClient client_{io_.get_executor(), path_, 100'000};
};

TEST_F(FramesTest, CarriesFramesOfAnySizeUpToTheLimit) {
  for (const std::size_t size : {0U, 1U, 255U, 256U, 65536U, 99'998U}) {
    std::string frame(size, 'x');
    const auto result = call(frame);
    ASSERT_TRUE(result) << size << result.error().message;
    EXPECT_EQ(*result, "<" + frame + ">");
  }
  EXPECT_EQ(call(std::string(100'001, 'x')).error().code, Code::kTooLarge);
  // The answer would be over the limit: the server breaks off rather than send it.
  EXPECT_EQ(call(std::string(100'000, 'x')).error().code, Code::kUnavailable);
  EXPECT_EQ(call("again"), "<again>");
}

TEST_F(FramesTest, TellsWhoIsThere) {
  EXPECT_EQ(call("who"), std::to_string(::getuid()) + ":" + std::to_string(::getpid()));
}

TEST_F(FramesTest, GivesTheSocketFileItsMode) {
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0640U);
}

TEST_F(FramesTest, AnswersOverlappingCallsEachWithItsOwn) {
  std::vector<std::string> answers(100);
  int done = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    boost::asio::co_spawn(io_, client_.call(i == 3 ? "slow" : "c" + std::to_string(i), 20s),
                          [&, i](std::exception_ptr, Result<std::string> result) {
                            answers[i] = result.value_or("failed");
                            ++done;
                          });
  }
  ASSERT_TRUE(run_until(io_, [&] { return done == 100; }));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i], i == 3 ? "<slow>" : "<c" + std::to_string(i) + ">");
  }
}

TEST_F(FramesTest, ALateAnswerIsNotTakenForTheNext) {
  EXPECT_EQ(call("slow", 10ms).error().code, Code::kTimeout);
  EXPECT_EQ(call("next"), "<next>");
}

TEST_F(FramesTest, FailsClosedAndConnectsAnew) {
  EXPECT_EQ(call("one"), "<one>");
  run_task(io_, server_->stop());
  EXPECT_EQ(call("two").error().code, Code::kUnavailable);
  EXPECT_EQ(call("three").error().code, Code::kUnavailable);
  server_ = std::make_unique<FrameServer>(io_.get_executor(), path_, 0600, answer);
  ASSERT_TRUE(server_->start());
  EXPECT_EQ(call("four"), "<four>");
}

TEST_F(FramesTest, ACallInFlightFailsWhenTheServerDies) {
  std::optional<Result<std::string>> result;
  boost::asio::co_spawn(io_, client_.call("hang", 20s),
                        [&](std::exception_ptr, Result<std::string> r) { result = std::move(r); });
  io_.restart();
  io_.run_for(50ms);
  ASSERT_FALSE(result);
  run_task(io_, server_->stop());
  ASSERT_TRUE(run_until(io_, [&] { return result.has_value(); }));
  EXPECT_EQ(result->error().code, Code::kUnavailable);
}

TEST_F(FramesTest, AHandlerThatThrowsEndsOnlyItsConnection) {
  EXPECT_EQ(call("throw").error().code, Code::kUnavailable);
  EXPECT_EQ(call("next"), "<next>");
}

TEST_F(FramesTest, EndsAConnectionThatAnnouncesTooMuch) {
  const int fd = raw();
  ASSERT_EQ(::send(fd, "\x7f\xff\xff\xff", 4, 0), 4);
  EXPECT_TRUE(run_until(io_, [&] {
    char byte = 0;
    return ::recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
  }));
  ::close(fd);
  EXPECT_EQ(call("fine"), "<fine>");
}

TEST_F(FramesTest, ReadsAFrameSplitAtEveryByte) {
  const std::string frame = "\0\0\0\5hello"s;
  const int fd = raw();
  for (std::size_t at = 1; at < frame.size(); ++at) {
    ASSERT_GT(::send(fd, frame.data(), at, 0), 0);
    for (int i = 0; i < 3; ++i) io_.poll();
    ASSERT_GT(::send(fd, frame.data() + at, frame.size() - at, 0), 0);
    std::string got(11, '\0');
    ASSERT_TRUE(
        run_until(io_, [&] { return ::recv(fd, got.data(), got.size(), MSG_DONTWAIT) == 11; }));
    EXPECT_EQ(got, "\0\0\0\7<hello>"s);
  }
  ::close(fd);
}

TEST_F(FramesTest, ReplacesAStaleSocketFileButNotALiveOneOrAnotherFile) {
  FrameServer second(io_.get_executor(), path_, 0600, answer);
  const auto live = second.start();
  ASSERT_FALSE(live);
  EXPECT_EQ(live.error().code, Code::kConflict);

  const std::string stale = path_ + ".stale";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, stale.c_str(), stale.size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  FrameServer third(io_.get_executor(), stale, 0600, answer);
  EXPECT_TRUE(third.start());
  run_task(io_, third.stop());
  EXPECT_FALSE(std::filesystem::exists(stale));

  FrameServer fourth(io_.get_executor(), "/etc/passwd", 0600, answer);
  EXPECT_EQ(fourth.start().error().code, Code::kConflict);
}

}  // namespace
}  // namespace deployclaw::net
