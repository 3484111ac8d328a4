#include "egress/gathering.hpp"

#include <gtest/gtest.h>

namespace deployclaw::egress {
namespace {

using std::chrono::microseconds;
using Next = Gathering::Next;

class GatheringTest : public ::testing::Test {
 protected:
  void intend(int count = 1) {
    for (int i = 0; i < count; ++i) {
      gathering.intend();
      gathering.add();
    }
  }
  void end(int count) {
    for (int i = 0; i < count; ++i) gathering.end(now);
  }
  // Turns that bring nothing, up to the first that asks for more than another one.
  Next after_quiet_turns() {
    for (int i = 0; i < 10; ++i) {
      const auto next = gathering.next(now);
      if (next != Next::kAnotherTurn) return next;
    }
    return Next::kAnotherTurn;
  }

  Gathering::Time now = Gathering::Time() + std::chrono::hours(1);
  Gathering gathering{{.in_all = microseconds(1000), .after_an_end = microseconds(300)}};
};

TEST_F(GatheringTest, WhoeverIsAloneGoesAtTheFirstTurn) {
  gathering.begin(now);
  intend();
  EXPECT_EQ(gathering.next(now), Next::kGo);
}

TEST_F(GatheringTest, TwoGoAfterThreeQuietTurnsInARow) {
  gathering.begin(now);
  intend(2);
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn) << "the turn that brought them";
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn);
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn);
  intend();
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn) << "no quiet one";
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn);
  EXPECT_EQ(gathering.next(now), Next::kAnotherTurn);
  EXPECT_EQ(gathering.next(now), Next::kGo);
}

TEST_F(GatheringTest, ALoopThatIsNeverQuietEndsWithTheTimeOrWithSoMany) {
  gathering.begin(now);
  intend(2);
  EXPECT_EQ(gathering.next(now + microseconds(999)), Next::kAnotherTurn);
  intend();
  EXPECT_EQ(gathering.next(now + microseconds(1000)), Next::kGo);
  gathering.clear();
  for (std::size_t i = 1; i < Gathering::kMostRecords; ++i) EXPECT_FALSE(gathering.add());
  EXPECT_TRUE(gathering.add());
  EXPECT_EQ(gathering.next(now), Next::kGo);
}

TEST_F(GatheringTest, AnIntentRestsForAsManyAsHaveEnded) {
  intend(3);
  gathering.clear();
  end(3);
  gathering.begin(now);
  intend();
  EXPECT_EQ(after_quiet_turns(), Next::kRest);
  EXPECT_EQ(gathering.rests_until(), now + microseconds(300));
  intend();
  EXPECT_EQ(after_quiet_turns(), Next::kRest) << "one is missing";
  intend();
  EXPECT_EQ(after_quiet_turns(), Next::kGo);
}

TEST_F(GatheringTest, ARestEndsAMomentAfterTheLastEnd) {
  intend(2);
  gathering.clear();
  end(2);
  now += microseconds(200);
  gathering.begin(now);
  intend();
  EXPECT_EQ(after_quiet_turns(), Next::kRest);
  EXPECT_EQ(gathering.rests_until(), now + microseconds(100));
  now += microseconds(100);
  EXPECT_EQ(gathering.next(now), Next::kGo) << "alone by now";
}

TEST_F(GatheringTest, ARestEndsWithTheTimeThatThereIsInAll) {
  intend(3);
  gathering.clear();
  gathering.answered();
  gathering.begin(now);
  intend();
  now += microseconds(900);
  end(2);
  EXPECT_EQ(after_quiet_turns(), Next::kRest);
  EXPECT_EQ(gathering.rests_until(), now + microseconds(100));
}

TEST_F(GatheringTest, WhatEndedLongAgoIsNotAwaited) {
  intend(9);
  gathering.clear();
  gathering.answered();
  end(8);
  now += microseconds(300);
  end(1);
  gathering.begin(now);
  intend();
  EXPECT_EQ(after_quiet_turns(), Next::kGo) << "the one that ended last has its successor";
}

TEST_F(GatheringTest, OneAfterAnotherWaitsForNobody) {
  for (int i = 0; i < 3; ++i) {
    gathering.begin(now);
    intend();
    EXPECT_EQ(gathering.next(now), Next::kGo);
    gathering.clear();
    end(1);
  }
}

TEST_F(GatheringTest, WhileIntentsAreOutTheNextOnesRest) {
  intend(2);
  gathering.clear();
  gathering.begin(now);
  intend(2);
  EXPECT_EQ(gathering.next(now), Next::kRest);
  EXPECT_EQ(gathering.rests_until(), now + microseconds(1000));
  gathering.answered();
  EXPECT_EQ(after_quiet_turns(), Next::kGo);
}

TEST_F(GatheringTest, NobodyRestsForAnAnswerBeyondTheTimeThatThereIsInAll) {
  intend(2);
  gathering.clear();
  gathering.begin(now);
  intend();
  EXPECT_EQ(gathering.next(now + microseconds(999)), Next::kRest);
  EXPECT_EQ(gathering.next(now + microseconds(1000)), Next::kGo);
}

TEST_F(GatheringTest, NobodyRestsForTheAnswerToWhatHasEndedWithoutOne) {
  intend(2);
  gathering.clear();
  end(2);
  now += microseconds(300);
  gathering.begin(now);
  intend(2);
  EXPECT_EQ(after_quiet_turns(), Next::kGo);
}

TEST_F(GatheringTest, WhatIsNoIntentDoesNotRest) {
  intend(3);
  gathering.clear();
  end(3);
  gathering.begin(now);
  gathering.add();
  EXPECT_EQ(after_quiet_turns(), Next::kGo);
  gathering.clear();
  intend(2);
  gathering.clear();
  gathering.add();
  EXPECT_EQ(after_quiet_turns(), Next::kGo) << "with intents out as well";
}

TEST_F(GatheringTest, AnIntentThatNeverWasIsNotUnderWay) {
  intend(2);
  gathering.clear();
  gathering.forget();
  gathering.forget();
  gathering.begin(now);
  intend();
  EXPECT_EQ(gathering.next(now), Next::kGo);
}

}  // namespace
}  // namespace deployclaw::egress
