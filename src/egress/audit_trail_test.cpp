// Which intents of a worker go together, and when.
#include "egress/audit_trail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "egress/testing/trail_rig.hpp"

namespace deployclaw::egress {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kIntent;
using testing::kOutcome;
using testing::kRecord;
using testing::kSuccess;
using ::testing::SizeIs;

using AuditTrailTest = testing::TrailRig;

TEST_F(AuditTrailTest, AnIntentGoesAtOnceAndThoseOfOneTurnTogether) {
  auto first = trail.intend(agent, kRecord);
  auto second = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U), std::pair(kIntent, 2U)));
  trail.close();
}

TEST_F(AuditTrailTest, WithOthersUnderWayAnIntentGoesTogetherWithWhatTheNextTurnsBring) {
  auto first = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U))) << "alone: at the first turn";
  grant(first);
  auto second = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), IsEmpty());
  auto third = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), IsEmpty());
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 2U), std::pair(kIntent, 3U)));
  trail.close();
  turn();
}

// It would only wait for the disk elsewhere, apart from those that come meanwhile.
TEST_F(AuditTrailTest, TheNextIntentsWaitForTheAnswerToTheOnesBefore) {
  take_answers();
  auto first = trail.intend(agent, kRecord);
  auto second = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), SizeIs(2));
  auto third = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), IsEmpty());
  auto fourth = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), IsEmpty());
  ASSERT_TRUE(spool.send(encode(DurableMessage{.sequence = 2})));
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 3U), std::pair(kIntent, 4U)));
  trail.close();
  turn();
}

TEST_F(AuditTrailTest, WhatIsOverIsNotUnderWay) {
  auto first = trail.intend(agent, kRecord);
  {
    auto second = trail.intend(agent, kRecord);
    turn();
    EXPECT_THAT(there(), SizeIs(2));
    first.finish(kSuccess);
  }
  auto third = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U), std::pair(kOutcome, 2U),
                                   std::pair(kIntent, 3U)));
  trail.close();
}

TEST_F(AuditTrailTest, ALoopThatIsNeverQuietDoesNotKeepThemForEver) {
  std::vector<AuditTrail::Intent> intents;
  Told told;
  while (told.empty() && intents.size() < 2 * Gathering::kMostRecords) {
    intents.push_back(trail.intend(agent, kRecord));
    step();
    if (intents.size() > 1) told = there();
    if (intents.size() == 1) EXPECT_THAT(there(), SizeIs(1)) << "alone";
  }
  EXPECT_THAT(told, SizeIs(Gathering::kMostRecords));
  trail.close();
}

class HurriedTrailTest : public AuditTrailTest {
 protected:
  HurriedTrailTest() : AuditTrailTest({.in_all = kNoTime, .after_an_end = kLong}) {}
};

TEST_F(HurriedTrailTest, OnceTheTimeIsOverAnIntentGoesWhateverIsUnderWay) {
  auto first = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), SizeIs(1));
  auto second = trail.intend(agent, kRecord);
  step();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 2U)));
  trail.close();
}

class PatientTrailTest : public AuditTrailTest {
 protected:
  explicit PatientTrailTest(std::chrono::microseconds after_an_end = kLong)
      : AuditTrailTest({.in_all = kLong, .after_an_end = after_an_end}) {}
  // Two requests that were told and have ended.
  void end_two() {
    auto first = trail.intend(agent, kRecord);
    auto second = trail.intend(agent, kRecord);
    turn();
    EXPECT_THAT(there(), SizeIs(2));
    first.finish(kSuccess);
    second.finish(kSuccess);
  }
};

TEST_F(AuditTrailTest, AWaitThatIsCancelledIsForgotten) {
  auto intent = trail.intend(agent, kRecord);
  TaskGroup tasks(io.get_executor());
  tasks.spawn("wait",
              [](AuditTrail::Intent& one) -> Task<void> { (void)co_await one.durable(); }(intent));
  turn();
  tasks.cancel();
  turn();
  EXPECT_EQ(tasks.size(), 0U);
  trail.close();  // which wakes whoever waits
}

TEST_F(PatientTrailTest, AnIntentWaitsForAsManyAsHaveJustEnded) {
  end_two();
  auto third = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), IsEmpty());
  auto fourth = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U), std::pair(kOutcome, 2U),
                                   std::pair(kIntent, 3U), std::pair(kIntent, 4U)));
  trail.close();
}

TEST_F(PatientTrailTest, AnOutcomeThatIsHeldLongEnoughDoesNotTakeAnIntentAwayFromTheOthers) {
  end_two();
  auto third = trail.intend(agent, kRecord);
  std::this_thread::sleep_for(2 * AuditTrail::kMostHeld);
  turn();
  EXPECT_THAT(there(), IsEmpty());
  auto fourth = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), SizeIs(4));
  trail.close();
}

TEST_F(PatientTrailTest, OneAfterAnotherWaitsForNobody) {
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto intent = trail.intend(agent, kRecord);
    turn();
    EXPECT_THAT(there(), Contains(std::pair(kIntent, id)));
    intent.finish(kSuccess);
  }
  trail.close();
}

TEST_F(PatientTrailTest, WhatIsNoIntentWaitsForNobody) {
  end_two();
  trail.event(agent, kRecord);
  turn();
  EXPECT_THAT(there(), SizeIs(3));
  trail.close();
}

class BrieflyPatientTrailTest : public PatientTrailTest {
 protected:
  BrieflyPatientTrailTest() : PatientTrailTest(std::chrono::milliseconds(20)) {}
};

TEST_F(BrieflyPatientTrailTest, AnIntentThatWaitedInVainGoesByItself) {
  end_two();
  auto third = trail.intend(agent, kRecord);
  EXPECT_THAT(next(), Contains(std::pair(kIntent, 3U)));
  trail.close();
}

// The rest for the answer could have lasted longer.
TEST_F(BrieflyPatientTrailTest, AnIntentThatRestedForAnAnswerRestsForOthersNoLongerThanUsual) {
  take_answers();
  auto first = trail.intend(agent, kRecord);
  auto second = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), SizeIs(2));
  auto third = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), IsEmpty());
  ASSERT_TRUE(spool.send(encode(DurableMessage{.sequence = 2})));
  first.finish(kSuccess);
  second.finish(kSuccess);
  EXPECT_THAT(next(), Contains(std::pair(kIntent, 3U)));
  trail.close();
  turn();
}

}  // namespace
}  // namespace deployclaw::egress
