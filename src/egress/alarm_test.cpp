#include "egress/alarm.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "net/testing/raw_client.hpp"

namespace deployclaw::egress {
namespace {

using namespace std::chrono_literals;
using Clock = Alarm::Clock;

class AlarmTest : public ::testing::Test {
 protected:
  bool rings() {
    return net::testing::run_until(io, [this] { return rung > 0; });
  }

  boost::asio::io_context io;
  int rung = 0;
  std::optional<Alarm> alarm{std::in_place, io.get_executor(), [this] { ++rung; }};
};

TEST_F(AlarmTest, RingsOnceAndNotBeforeItIsDue) {
  const auto due = Clock::now() + 5ms;
  alarm->ring_by(due);
  ASSERT_TRUE(rings());
  EXPECT_GE(Clock::now(), due);
  io.run();
  EXPECT_EQ(rung, 1);
}

TEST_F(AlarmTest, OneThatComesEarlierIsLeftToRun) {
  alarm->ring_by(Clock::now() + 5ms);
  alarm->ring_by(Clock::now() + 24h);
  EXPECT_TRUE(rings());
  EXPECT_EQ(io.poll(), 0U) << "nothing is left of the later one";
}

TEST_F(AlarmTest, OneThatWouldComeLateIsSetAnew) {
  alarm->ring_by(Clock::now() + 24h);
  alarm->ring_by(Clock::now() + 5ms);
  EXPECT_TRUE(rings());
}

TEST_F(AlarmTest, MayBeSetAgainWhileItRings) {
  std::optional<Alarm> again;
  again.emplace(io.get_executor(), [&] {
    if (++rung < 3) again->ring_by(Clock::now());
  });
  again->ring_by(Clock::now());
  EXPECT_TRUE(net::testing::run_until(io, [this] { return rung == 3; }));
}

TEST_F(AlarmTest, IsSilentOnceItIsCancelledAndMayBeSetAnew) {
  alarm->ring_by(Clock::now());
  alarm->cancel();
  io.run();
  EXPECT_EQ(rung, 0);
  io.restart();
  alarm->ring_by(Clock::now());
  EXPECT_TRUE(rings());
}

TEST_F(AlarmTest, IsSilentOnceItIsGone) {
  alarm->ring_by(Clock::now());
  alarm.reset();
  io.run();
  EXPECT_EQ(rung, 0);
}

TEST_F(AlarmTest, IsSilentOnceItIsGoneThoughItsTimeHasCome) {
  Alarm before(io.get_executor(), [this] { alarm.reset(); });
  const auto now = Clock::now();
  before.ring_by(now - 2ms);
  alarm->ring_by(now - 1ms);  // queued by the time that the other one rings
  io.run();
  EXPECT_EQ(rung, 0);
}

}  // namespace
}  // namespace deployclaw::egress
