#include "net/watched_socket.hpp"

#include <gtest/gtest.h>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "net/testing/stream_pair.hpp"

namespace deployclaw::net {
namespace {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::read_exactly;
using testing::read_to_end;
using testing::run_both;
using testing::run_task;

constexpr auto kRead = Progress::Kind::kWantRead;

// As ByteStream uses it, whose reads are what it hangs on.
class WatchedSocketTest : public ::testing::Test {
 protected:
  // All there was has been read.
  void drain() {
    char byte = 0;
    ASSERT_EQ(client().read_now(&byte, 1).kind, kRead);
  }
  // The loop sees what has come, and nobody waits for it.
  void look() { run_task(io_, sleep_for(20ms)); }
  // From now on nothing ends a wait but what comes: a new socket tells of itself once.
  void settle() {
    drain();
    ASSERT_TRUE(run_task(io_, client().wait(kRead)));
    drain();
  }

  ByteStream& client() { return *pair_.client; }
  ByteStream& server() { return *pair_.server; }

  boost::asio::io_context io_;
  CoarseTimer timer_{io_.get_executor()};
  testing::StreamPair pair_ = connect_pair(io_, timer_);
};

TEST_F(WatchedSocketTest, EachPieceIsToldOnce) {
  drain();
  for (const std::string_view piece : {"one", "two", "three"}) {
    ASSERT_TRUE(run_task(io_, server().write_all(piece)));
    ASSERT_TRUE(run_task(io_, client().wait(kRead)));
    char data[16];
    const Progress progress = client().read_now(data, sizeof data);
    ASSERT_EQ(progress.kind, Progress::Kind::kBytes);
    EXPECT_EQ(std::string_view(data, progress.count), piece);
    drain();
  }
}

TEST_F(WatchedSocketTest, WhatComesBeforeTheWaitIsNotMissed) {
  drain();
  ASSERT_TRUE(run_task(io_, server().write_all("early")));
  look();
  ASSERT_TRUE(run_task(io_, client().wait(kRead)));
  EXPECT_EQ(run_task(io_, read_exactly(client(), 5)).value_or(""), "early");
}

// One event told of both; nothing tells of the end again.
TEST_F(WatchedSocketTest, AnEndThatCameWithTheLastBytesIsSeen) {
  settle();
  ASSERT_EQ(server().write_now("bye").count, 3U);
  server().close();
  look();
  ASSERT_TRUE(run_task(io_, client().wait(kRead)));
  EXPECT_EQ(run_task(io_, read_to_end(client())).value_or(""), "bye");
}

TEST_F(WatchedSocketTest, AnEndThatComesLaterIsSeen) {
  ASSERT_TRUE(run_task(io_, server().write_all("bye")));
  EXPECT_EQ(run_task(io_, read_exactly(client(), 3)).value_or(""), "bye");
  server().close();
  EXPECT_EQ(run_task(io_, read_to_end(client())).value_or("?"), "");
}

TEST_F(WatchedSocketTest, AResetIsSeen) {
  drain();
  server().abort();
  char byte = 0;
  const auto read = run_task(io_, client().read_some(&byte, 1));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kUnavailable);
}

TEST_F(WatchedSocketTest, BytesLeftUnreadAreToldAgain) {
  drain();
  ASSERT_TRUE(run_task(io_, server().write_all("abc")));
  for (const char expected : {'a', 'b', 'c'}) {
    ASSERT_TRUE(run_task(io_, client().wait(kRead)));
    char byte = 0;
    ASSERT_EQ(client().read_now(&byte, 1).count, 1U);
    EXPECT_EQ(byte, expected);
  }
}

// Under TLS a writer may have to read.
TEST_F(WatchedSocketTest, TwoMayWait) {
  for (int round = 0; round < 2; ++round) {
    settle();
    const auto write = [](ByteStream& stream) -> Task<Status> {
      co_await sleep_for(20ms);
      auto written = co_await stream.write_all("x");
      co_return written;
    };
    const auto both = [](ByteStream& one) -> Task<bool> {
      TaskGroup group(one.raw().get_executor());
      int told = 0;
      const auto wait = [](ByteStream& stream, int& count) -> Task<void> {
        const bool ready = co_await stream.wait(kRead);
        count += ready ? 1 : 0;
      };
      group.spawn("one", wait(one, told));
      group.spawn("other", wait(one, told));
      co_await group.join();
      co_return told == 2;
    };
    const auto [told, written] = run_both(io_, both(client()), write(server()));
    EXPECT_TRUE(told);
    ASSERT_TRUE(written);
    EXPECT_EQ(run_task(io_, read_exactly(client(), 1)).value_or(""), "x");
  }
}

TEST_F(WatchedSocketTest, APooledConnectionNoticesWhatComes) {
  settle();
  client().watch();
  look();
  EXPECT_TRUE(client().alive_and_idle());
  ASSERT_TRUE(run_task(io_, server().write_all("unasked")));
  look();
  EXPECT_FALSE(client().alive_and_idle());
  // Whoever waits then is told at once.
  ASSERT_TRUE(run_task(io_, client().wait(kRead)));
  EXPECT_EQ(run_task(io_, read_exactly(client(), 7)).value_or(""), "unasked");
  drain();
  client().watch();
  server().close();
  look();
  EXPECT_FALSE(client().alive_and_idle());
}

TEST_F(WatchedSocketTest, APooledConnectionIsUsedAgain) {
  drain();
  for (int round = 0; round < 3; ++round) {
    client().watch();
    look();
    ASSERT_TRUE(client().alive_and_idle());
    ASSERT_TRUE(run_task(io_, server().write_all("answer")));
    EXPECT_EQ(run_task(io_, read_exactly(client(), 6)).value_or(""), "answer");
  }
}

TEST_F(WatchedSocketTest, ATaskThatIsCancelledEndsAndTheNextOneGoesOn) {
  settle();
  bool ready = true;
  const auto wait = [](ByteStream& stream, bool& told) -> Task<void> {
    told = co_await stream.wait(kRead);
  };
  TaskGroup group(io_.get_executor());
  group.spawn("waits", wait(client(), ready));
  look();
  group.cancel();
  run_task(io_, group.join());
  EXPECT_FALSE(ready);
  ASSERT_TRUE(run_task(io_, server().write_all("later")));
  EXPECT_EQ(run_task(io_, read_exactly(client(), 5)).value_or(""), "later");
}

TEST_F(WatchedSocketTest, MayGoWhileItIsWatched) {
  settle();
  client().watch();
  pair_.client.reset();
  server().close();
  look();
}

TEST_F(WatchedSocketTest, MayGoWhileItsNewsIsQueued) {
  drain();
  client().watch();  // a new socket has news at once
  pair_.client.reset();
  look();
}

// With the coroutine go the streams, which are its own.
TEST_F(WatchedSocketTest, TheLoopMayGoWhileSomebodyWaits) {
  boost::asio::io_context io;
  auto timer = std::make_shared<CoarseTimer>(io.get_executor());
  auto pair = std::make_shared<testing::StreamPair>(connect_pair(io, *timer));
  const auto wait = [](auto kept, auto of) -> Task<void> {
    char byte = 0;
    (void)co_await of->client->read_some(&byte, 1);
    ADD_FAILURE() << "nothing came";
    (void)kept;
  };
  boost::asio::co_spawn(io, wait(timer, pair), [](const std::exception_ptr& /*error*/) {});
  pair.reset();
  timer.reset();
  io.run_for(20ms);
}

// A unix socket does not tell what a read leaves.
TEST_F(WatchedSocketTest, AUnixSocketIsAskedEachTime) {
  using boost::asio::local::stream_protocol;
  stream_protocol::socket one(io_);
  stream_protocol::socket other(io_);
  boost::asio::local::connect_pair(one, other);
  ByteStream reads(StreamSocket(std::move(one)), timer_);
  ByteStream writes(StreamSocket(std::move(other)), timer_);
  reads.watch();
  EXPECT_TRUE(reads.alive_and_idle());
  ASSERT_TRUE(run_task(io_, writes.write_all("bye")));
  writes.close();
  ASSERT_TRUE(run_task(io_, reads.wait(kRead)));
  EXPECT_FALSE(reads.alive_and_idle());
  EXPECT_EQ(run_task(io_, read_to_end(reads)).value_or(""), "bye");
}

}  // namespace
}  // namespace deployclaw::net
