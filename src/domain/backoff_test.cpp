#include "domain/backoff.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace deployclaw::domain {
namespace {

using namespace std::chrono_literals;

const Time kStart{1'750'000'000s};
const RestartPolicy kPolicy;

TEST(Backoff, DoublesFromOneSecondToFiveMinutes) {
  const std::vector<std::chrono::seconds> expected{1s,  2s,   4s,   8s,   16s, 32s,
                                                   64s, 128s, 256s, 300s, 300s};
  for (std::size_t step = 0; step < expected.size(); ++step) {
    EXPECT_EQ(restart_delay(kPolicy, static_cast<int>(step), 0.5), expected[step]) << step;
  }
  EXPECT_EQ(restart_delay(kPolicy, 1'000'000, 0.5), 300s);
}

TEST(Backoff, JitterStaysWithinAFifth) {
  EXPECT_EQ(restart_delay(kPolicy, 0, 0.0), 800ms);
  EXPECT_EQ(restart_delay(kPolicy, 0, 1.0), 1200ms);
  EXPECT_EQ(restart_delay(kPolicy, 0, 7.0), 1200ms);
}

TEST(Backoff, ACrashLoopOpensTheCircuitAfterTenRestartsAlthoughTheDelaysTakeLonger) {
  RestartMemory memory;
  Time now = kStart;
  for (int i = 0; i < 10; ++i) {
    ASSERT_FALSE(opens_circuit(kPolicy, memory, now)) << i;
    memory = after_exit(kPolicy, memory, now, 0.9);
    ASSERT_TRUE(memory.next_retry_at) << i;
    now = *memory.next_retry_at + 100ms;
  }
  EXPECT_TRUE(opens_circuit(kPolicy, memory, now));
  EXPECT_TRUE(after_exit(kPolicy, memory, now, 0.9).circuit_open);
  EXPECT_EQ(memory.total, 10);
}

TEST(Backoff, AnAgentThatLivesSixMinutesAtATimeIsNeverGivenUp) {
  RestartMemory memory;
  Time now = kStart;
  for (int i = 0; i < 100; ++i) {
    memory = after_exit(kPolicy, memory, now, 0.5);
    ASSERT_TRUE(memory.next_retry_at);
    now = *memory.next_retry_at + 6min;
  }
}

TEST(Backoff, TenHealthyMinutesForgetTheBackoffButNotTheTotal) {
  RestartMemory memory = after_exit(kPolicy, {}, kStart, 0.5);
  memory.healthy_since = kStart + 1s;
  EXPECT_FALSE(may_reset(kPolicy, memory, kStart + 10min));
  EXPECT_TRUE(may_reset(kPolicy, memory, kStart + 10min + 1s));
  const RestartMemory fresh = forgotten(memory);
  EXPECT_EQ(fresh.step, 0);
  EXPECT_EQ(fresh.total, 1);
  EXPECT_TRUE(fresh.recent.empty());
  EXPECT_FALSE(may_reset(kPolicy, fresh, kStart + 1h));
}

RC_GTEST_PROP(Backoff, NeverRetriesAtOnceNorLaterThanTheLongestDelayWithJitter, ()) {
  RestartMemory memory;
  Time now = kStart;
  const auto lives = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 2'000'000));
  for (const int life : lives) {
    const double unit = *rc::gen::inRange(0, 1000) / 1000.0;
    memory = after_exit(kPolicy, memory, now, unit);
    RC_ASSERT(memory.circuit_open != memory.next_retry_at.has_value());
    if (memory.circuit_open) return;
    RC_ASSERT(*memory.next_retry_at - now >= 800ms);
    RC_ASSERT(*memory.next_retry_at - now <= 360s);
    RC_ASSERT(memory.recent.size() <= kPolicy.circuit_restarts);
    now = *memory.next_retry_at + std::chrono::milliseconds(life);
  }
}

}  // namespace
}  // namespace deployclaw::domain
