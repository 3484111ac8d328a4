// Which records of a worker go together, and when.
#include "egress/audit_trail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "egress/audit_intake.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using net::testing::run_task;
using net::testing::run_until;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kIntent = RecordKind::kIntent;
constexpr auto kOutcome = RecordKind::kOutcome;
constexpr auto kEvent = RecordKind::kEvent;

const json::object kRecord{{"target", "t"}};
const json::object kSuccess{{"outcome", "success"}};

class AuditTrailTest : public ::testing::Test {
 protected:
  using Told = std::vector<std::pair<RecordKind, std::uint64_t>>;

  // With all the time there is or none, so that no test is lost to a slow machine.
  static constexpr std::chrono::hours kLong{1};
  static constexpr std::chrono::microseconds kNoTime{0};
  explicit AuditTrailTest(const Gathering::Patience& patience = {.in_all = kLong,
                                                                 .after_an_end = kNoTime})
      : AuditTrailTest(make_packet_pair().value(), patience) {}
  AuditTrailTest(std::pair<linux::UniqueFd, linux::UniqueFd> ends,
                 const Gathering::Patience& patience)
      : spool(io.get_executor(), std::move(ends.first)),
        trail(io.get_executor(), std::move(ends.second), patience) {}

  // What is ready to be done, without waiting for anything.
  void turn() {
    io.restart();
    io.poll();
  }
  // The next thing that is ready.
  void step() {
    io.restart();
    io.poll_one();
  }
  static Told told_in(const Packet& packet) {
    Told out;
    const auto records = read_records(packet.bytes).value();
    for (const auto& one : records) out.emplace_back(one.kind, one.id);
    return out;
  }
  // The next packet, waited for.
  Told next() {
    const auto packet = run_task(io, spool.receive());
    return packet ? told_in(*packet) : Told{};
  }
  // What of the next packet is there without waiting.
  Told there() {
    const auto packet = spool.receive_now();
    return packet ? told_in(*packet) : Told{};
  }
  void take_answers() {
    io.restart();
    asio::co_spawn(io, trail.run(), asio::detached);
  }
  // Tells the intent of that call as granted.
  void grant(AuditTrail::Intent& intent) {
    take_answers();
    const IntentAnswer answer{.id = intent.id(), .grant = {.micro_dollars = 5}};
    ASSERT_TRUE(spool.send(encode(DurableMessage{.sequence = 1, .answers = {answer}})));
    ASSERT_TRUE(run_task(io, intent.durable()));
  }

  const AgentId agent = AgentId::random();
  asio::io_context io;
  PacketChannel spool;
  AuditTrail trail;
};

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

TEST_F(AuditTrailTest, AnOutcomeTravelsWithTheNextIntent) {
  auto first = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U)));
  first.finish(kSuccess);
  auto second = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U), std::pair(kIntent, 2U)));
  second.finish(kSuccess);
  trail.event(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 2U), std::pair(kEvent, 0U)));
  trail.close();
}

TEST_F(AuditTrailTest, AnOutcomeThatNothingFollowsGoesByItself) {
  for (std::uint64_t id = 1; id <= 3; ++id) {
    auto intent = trail.intend(agent, kRecord);
    turn();
    EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, id)));
    intent.finish(kSuccess);
    EXPECT_THAT(next(), ElementsAre(std::pair(kOutcome, id)));
  }
  trail.close();
}

// The timer is not set anew for each, and still none is left behind.
TEST_F(AuditTrailTest, EveryOutcomeGoesWhateverWasSentBefore) {
  std::size_t outcomes = 0;
  for (std::uint64_t id = 1; id <= 200; ++id) {
    auto intent = trail.intend(agent, kRecord);
    turn();
    for (auto told = there(); !told.empty(); told = there()) {
      outcomes +=
          static_cast<std::size_t>(std::ranges::count(told, kOutcome, &Told::value_type::first));
    }
    intent.finish(kSuccess);
    if (id % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(700));
  }
  while (outcomes < 200) {
    const auto told = next();
    ASSERT_FALSE(told.empty());
    outcomes += told.size();
  }
  trail.close();
}

TEST_F(AuditTrailTest, NoMoreThanSoManyAreHeld) {
  std::vector<AuditTrail::Intent> intents;
  for (std::size_t i = 0; i < Gathering::kMostRecords; ++i) {
    intents.push_back(trail.intend(agent, kRecord));
  }
  turn();
  while (!there().empty()) {
  }
  for (auto& intent : intents) intent.finish(kSuccess);
  turn();
  EXPECT_EQ(there().size(), Gathering::kMostRecords);
  trail.close();
}

TEST_F(AuditTrailTest, WhatIsHeldIsSentWhenTheTrailCloses) {
  auto intent = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U)));
  intent.finish(kSuccess);
  trail.close();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U)));
}

// Another call of the agent may wait for the money that it frees.
TEST_F(AuditTrailTest, TheOutcomeOfAModelCallGoesAtOnce) {
  auto call = trail.intend(agent, kRecord, {.least = 1, .wanted = 5});
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U)));
  grant(call);
  call.finish(kSuccess, 3);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U)));
  trail.close();
  turn();
}

// The ledger may still be thinking about it, and must not admit it afterwards.
TEST_F(AuditTrailTest, ThatAChargedIntentIsGivenUpIsToldAtOnce) {
  {
    auto intent = trail.intend(agent, kRecord, {.scope = 1});
    turn();
    EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U)));
  }
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U)));
  trail.close();
}

// A worker that is killed takes what it holds along. Nobody may take its intent for one that goes
// on, or for one that never was.
TEST(AuditTrail, TheIntentOfAnOutcomeThatWasNeverSentEndsAsInterrupted) {
  asio::io_context io;
  const vault::TemporaryDirectory directory;
  const auto client = ClientId::random();
  const auto agent = AgentId::random();
  AuditIntake intake(Spool::open(directory.path(), 1 << 20).value(), io.get_executor(), [] {});
  auto ends = make_packet_pair().value();
  intake.add_agents(client, {agent});
  intake.add_worker(std::move(ends.first), client);
  {
    AuditTrail trail(io.get_executor(), std::move(ends.second));
    auto intent = trail.intend(agent, kRecord);
    ASSERT_TRUE(run_until(io, [&] { return intake.records() == 1; }));
    intent.finish(kSuccess);
  }
  ASSERT_TRUE(run_until(io, [&] { return intake.records() == 2; }));
  ASSERT_TRUE(run_until(io, [&] {
    const auto stretch = intake.spool().read(0, 1 << 20);
    return stretch && stretch->records.size() == 2;
  }));
  const auto records = intake.spool().read(0, 1 << 20)->records;
  EXPECT_EQ(records[0].kind, kIntent);
  EXPECT_EQ(records[1].kind, kOutcome);
  EXPECT_EQ(records[1].id, records[0].id);
  EXPECT_THAT(records[1].json, HasSubstr("interrupted"));
}

}  // namespace
}  // namespace deployclaw::egress
