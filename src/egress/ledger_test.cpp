#include "egress/ledger.hpp"

#include <gtest/gtest.h>

namespace deployclaw::egress {
namespace {

constexpr std::uint8_t kMail = 1;  // email:send
constexpr domain::Millis kNow = 1'750'000'000'000;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { admit_from_now_on(); }
  void admit_from_now_on() {
    domain::AgentLimits limits{.windows = {}, .daily_spend = 1'000};
    limits.windows.fill({.per_hour = 2, .per_day = 3});
    ledger.set_limits(agent, limits);
    ledger.load(agent, {}, kNow);
  }
  auto verdict(std::uint64_t intent, const Charge& charge) {
    return ledger.judge(agent, {1, intent}, charge, kNow).verdict;
  }

  const AgentId agent = AgentId::random();
  Ledger ledger;
};

TEST_F(LedgerTest, ALookSaysWhatAnAdmissionWouldAndCountsNothing) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(ledger.check(agent, kMail, kNow));
  EXPECT_EQ(verdict(1, {.scope = kMail}), Ledger::Verdict::kAdmitted);
  EXPECT_EQ(verdict(2, {.scope = kMail}), Ledger::Verdict::kAdmitted);
  const auto seen = ledger.check(agent, kMail, kNow);
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, ledger.judge(agent, {1, 3}, {.scope = kMail}, kNow).refusal);
  EXPECT_FALSE(ledger.check(agent, kMail + 1, kNow));
  EXPECT_FALSE(ledger.check(agent, kNoScope, kNow));
}

TEST_F(LedgerTest, ALookKnowsNothingOfAnAgentThatIsNotLoaded) {
  EXPECT_FALSE(ledger.check(AgentId::random(), kMail, kNow));
  ledger.forget_uses();
  EXPECT_FALSE(ledger.check(agent, kMail, kNow));
}

TEST_F(LedgerTest, AnAgentThatIsGoneIsForgottenAndAdmittedNothingUntilItIsLoaded) {
  ledger.forget_others({agent});
  EXPECT_EQ(verdict(1, {.scope = kMail}), Ledger::Verdict::kAdmitted);
  ledger.forget_others({});
  EXPECT_EQ(verdict(2, {.scope = kMail}), Ledger::Verdict::kBusy);
  admit_from_now_on();
  EXPECT_EQ(verdict(3, {.scope = kMail}), Ledger::Verdict::kAdmitted);
}

TEST_F(LedgerTest, AnAgentWithARunningCallIsForgottenOnceItHasEnded) {
  EXPECT_EQ(verdict(1, {.least = 1, .wanted = 10}), Ledger::Verdict::kAdmitted);
  ledger.forget_others({});
  ASSERT_TRUE(ledger.find(agent, {1, 1}));
  ledger.settle(agent, {1, 1}, 5);
  ledger.forget_others({});
  EXPECT_EQ(verdict(2, {.scope = kMail}), Ledger::Verdict::kBusy);
}

}  // namespace
}  // namespace deployclaw::egress
