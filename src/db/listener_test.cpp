#include "db/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "db/database.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::Postgres;
using testing::run_to_end;

struct Heard {
  std::vector<std::string> payloads;
  int gaps = 0;
  Listener::Callback callback() {
    return [this](const Notification& notification) {
      if (notification.gap) {
        ++gaps;
      } else {
        payloads.emplace_back(std::string(notification.channel) + ":" +
                              std::string(notification.payload));
      }
    };
  }
};

// Waits until `value` is at least `wanted`; the test's own time limit is the only other end.
template <class Value>
Task<void> until(const Value& value, int wanted) {
  for (int i = 0; i < 1000 && static_cast<int>(value) < wanted; ++i) co_await sleep_for(10ms);
  EXPECT_GE(static_cast<int>(value), wanted);
}
Task<void> until_heard(const Heard& heard, std::size_t wanted) {
  for (int i = 0; i < 1000 && heard.payloads.size() < wanted; ++i) co_await sleep_for(10ms);
  EXPECT_EQ(heard.payloads.size(), wanted);
}

Task<void> hears(asio::io_context& io) {
  Heard one;
  Heard two;
  Listener listener(io.get_executor(), Postgres::shared().conninfo("deployclaw_api"));
  listener.listen("one", one.callback());
  co_await until(one.gaps, 1);
  EXPECT_TRUE(listener.connected());
  listener.listen("Odd \"name\"", two.callback());
  co_await until(two.gaps, 1);
  EXPECT_EQ(one.gaps, 1) << "a new channel is no gap for the others";
  Postgres::shared().run(
      "notify one, 'a'; notify \"Odd \"\"name\"\"\", 'b'; notify one, 'c'; notify three, 'd'");
  co_await until_heard(one, 2);
  co_await until_heard(two, 1);
  EXPECT_THAT(one.payloads, ElementsAre("one:a", "one:c"));
  EXPECT_THAT(two.payloads, ElementsAre("Odd \"name\":b"));
  co_await listener.close();
  EXPECT_FALSE(listener.connected());
}

TEST(Listener, HearsItsChannelsInOrder) {
  asio::io_context io;
  run_to_end(io, hears(io));
}

Task<void> survives(asio::io_context& io) {
  Heard heard;
  Listener listener(io.get_executor(), Postgres::shared().conninfo("deployclaw_api"));
  listener.listen("one", heard.callback());
  co_await until(heard.gaps, 1);
  Postgres::shared().kill();
  Postgres::shared().start();
  Postgres::shared().run("notify one, 'lost'");
  co_await until(heard.gaps, 2);
  Postgres::shared().run("notify one, 'heard'");
  co_await until_heard(heard, 1);
  EXPECT_THAT(heard.payloads, ElementsAre("one:heard"));
  co_await listener.close();
}

TEST(Listener, ComesBackAfterACrashAndTellsOfTheGap) {
  asio::io_context io;
  run_to_end(io, survives(io));
}

Task<void> closes_early(asio::io_context& io) {
  Heard heard;
  Listener connecting(io.get_executor(), Postgres::shared().conninfo("deployclaw_api"));
  connecting.listen("one", heard.callback());
  co_await connecting.close();
  Listener hopeless(io.get_executor(), "host=/nonexistent");
  hopeless.listen("one", heard.callback());
  co_await sleep_for(20ms);
  EXPECT_FALSE(hopeless.connected());
  co_await hopeless.close();
  EXPECT_EQ(heard.gaps, 0);
}

TEST(Listener, ClosesWhileItConnects) {
  asio::io_context io;
  run_to_end(io, closes_early(io));
}

}  // namespace
}  // namespace deployclaw::db
