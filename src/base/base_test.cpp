#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <thread>
#include <type_traits>

#include "base/await.hpp"
#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

namespace deployclaw {
namespace {

// RFC 4648 §10.
TEST(Encoding, MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(base64_encode(bytes_of("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64_encode(bytes_of("fooba")), "Zm9vYmE=");
  EXPECT_EQ(base64_encode(bytes_of("f")), "Zg==");
  EXPECT_EQ(base32_encode(bytes_of("foobar")), "MZXW6YTBOI");
  EXPECT_EQ(hex_encode(bytes_of("foobar")), "666f6f626172");
}

TEST(Encoding, RoundTripsEveryLength) {
  Bytes data;
  for (int size = 0; size < 70; ++size) {
    EXPECT_EQ(base64_decode(base64_encode(data)), data);
    EXPECT_EQ(base64url_decode(base64url_encode(data)), data);
    EXPECT_EQ(base32_decode(base32_encode(data)), data);
    EXPECT_EQ(hex_decode(hex_encode(data)), data);
    data.push_back(static_cast<unsigned char>(size * 37 + 200));
  }
}

TEST(Encoding, RefusesWhatIsNotCanonical) {
  EXPECT_FALSE(base64_decode("Zg="));
  EXPECT_FALSE(base64_decode("Zh=="));  // non-zero trailing bits
  EXPECT_FALSE(base64_decode("Z g="));
  EXPECT_FALSE(base64url_decode("A"));
  EXPECT_FALSE(hex_decode("abc"));
  EXPECT_FALSE(hex_decode("zz"));
}

TEST(Encoding, KnowsUtf8) {
  EXPECT_TRUE(is_utf8("grüß 🦞"));
  EXPECT_FALSE(is_utf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("abc\xE2\x82"));       // cut short
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string ascii(before, 'a');
    EXPECT_TRUE(is_utf8(ascii + "ü" + ascii)) << before;
    EXPECT_FALSE(is_utf8(ascii + "\xFC" + ascii)) << before;
  }
}

TEST(Ids, ParseBackWhatTheyPrint) {
  const auto id = AgentId::random();
  EXPECT_EQ(AgentId::parse(id.to_string()), id);
  EXPECT_EQ(id.to_string().size(), 36U);
  EXPECT_FALSE(AgentId::parse("not-a-uuid"));
  EXPECT_FALSE(AgentId::parse(id.to_string() + "0"));
  EXPECT_FALSE(AgentId::parse("0123456789abcdef0123456789abcdef0123"));
}

TEST(SecretType, CannotBeCopiedOrCompared) {
  static_assert(!std::is_copy_constructible_v<Secret>);
  static_assert(!std::is_copy_assignable_v<Secret>);
  static_assert(!std::equality_comparable<Secret>);
}

TEST(SecretType, WipesTheStringItTakes) {
  std::string text = "correct horse battery staple, long enough to be on the heap";
  const char* data = text.data();
  const auto secret = Secret::take(std::move(text));
  EXPECT_EQ(secret.size(), 59U);
  EXPECT_EQ(std::string_view(data, 7), std::string_view("\0\0\0\0\0\0\0", 7));
}

TEST(Clock, FormatsAndParsesRfc3339) {
  const auto time = parse_time("2026-11-24T20:49:34.120Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_time(*time), "2026-11-24T20:49:34.120Z");
  EXPECT_EQ(parse_time("2026-11-24T22:49:34.12+02:00"), time);
  EXPECT_FALSE(parse_time("2026-02-30T00:00:00Z"));
  EXPECT_FALSE(parse_time("2026-11-24 20:49"));
  EXPECT_FALSE(parse_time("2026-11-24T20:49:34"));
}

Task<void> wait_long(bool& ended_early) {
  const bool slept = co_await sleep_for(std::chrono::hours(1));
  ended_early = !slept;
}

Task<void> stop(TaskGroup& group) {
  group.cancel();
  co_await group.join();
}

TEST(Log, CommandsNoTerminal) {
  const std::string hostile =
      "\x1B[2J\x07 \x7F \xC2\x9B"
      "31m \xC2\x9D"
      "0;title\xC2\x9C \xC2\xA0é\n";
  testing::internal::CaptureStderr();
  log::warn("hostile", {{"key", hostile}});
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find("\\u001b[2J\\u0007 \\u007f \\u009b31m \\u009d0;title\\u009c \u00A0é\\n"),
            std::string::npos)
      << line;
  EXPECT_EQ(boost::json::parse(line).at("key").as_string(), hostile);
}

TEST(TaskGroupTest, CancelStopsSleepersAndJoinWaitsForThem) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  bool ended_early = false;
  group.spawn("sleeper", wait_long(ended_early));
  io.poll();
  EXPECT_EQ(group.size(), 1U);
  boost::asio::co_spawn(io, stop(group), boost::asio::detached);
  io.run();
  EXPECT_TRUE(ended_early);
  EXPECT_EQ(group.size(), 0U);
}

Task<void> wait_for(boost::asio::steady_timer& timer) { co_await timer.async_wait(kAwait); }

TEST(TaskGroupTest, CancelFromOutsideTheLoopMeetsATaskWhoseEndIsQueued) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  boost::asio::steady_timer timer(io, std::chrono::hours(1));
  group.spawn("waits", wait_for(timer));
  io.poll();
  timer.cancel();
  group.cancel();
  io.restart();
  io.run();
  EXPECT_EQ(group.size(), 0U);
}

Task<void> note(bool& ran) {
  ran = true;
  co_return;
}

TEST(TaskGroupTest, NothingIsStartedAfterCancelEvenBeforeTheLoopRuns) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  bool ran = false;
  group.cancel();
  group.spawn("late", note(ran));
  io.run();
  EXPECT_FALSE(ran);
}

Task<void> nap(std::chrono::microseconds duration) { co_await sleep_for(duration); }

TEST(TaskGroupTest, CancelFromAnotherThreadMeetsTasksThatEnd) {
  for (int round = 0; round < 300; ++round) {
    boost::asio::io_context io;
    TaskGroup group(io.get_executor());
    bool ended_early = false;
    group.spawn("sleeper", wait_long(ended_early));
    for (int task = 0; task < 20; ++task) {
      group.spawn("short", nap(std::chrono::microseconds(task * 10)));
    }
    std::thread loop([&io] { io.run(); });
    std::this_thread::sleep_for(std::chrono::microseconds(round));
    group.cancel();
    loop.join();
    EXPECT_TRUE(ended_early);
    EXPECT_EQ(group.size(), 0U);
  }
}

Task<void> compute(BlockingPool& pool, int& out) {
  std::function<int()> work = [] { return 42; };
  out = co_await run_blocking(pool, std::move(work));
}

Task<void> compute_then_sleep(BlockingPool& pool, int& out, bool& slept) {
  std::function<int()> work = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return 42;
  };
  out = co_await run_blocking(pool, std::move(work));
  slept = co_await sleep_for(std::chrono::hours(1));
}

TEST(BlockingPoolTest, FinishesRunningWorkWhenCancelledThenStops) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  BlockingPool pool("test", 1);
  int out = 0;
  bool slept = false;
  group.spawn("worker", compute_then_sleep(pool, out, slept));
  io.poll();
  boost::asio::co_spawn(io, stop(group), boost::asio::detached);
  io.run();
  EXPECT_EQ(out, 42);
  EXPECT_FALSE(slept);
}

TEST(BlockingPoolTest, ResumesWithTheValue) {
  boost::asio::io_context io;
  BlockingPool pool("test", 1);
  int out = 0;
  boost::asio::co_spawn(io, compute(pool, out), boost::asio::detached);
  io.run();
  EXPECT_EQ(out, 42);
}

}  // namespace
}  // namespace deployclaw
