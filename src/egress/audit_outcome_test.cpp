// When what nobody waits for goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "egress/audit_intake.hpp"
#include "egress/testing/trail_rig.hpp"
#include "net/testing/raw_client.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using net::testing::run_until;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kEvent;
using testing::kIntent;
using testing::kOutcome;
using testing::kRecord;
using testing::kSuccess;

using AuditOutcomeTest = testing::TrailRig;

TEST_F(AuditOutcomeTest, AnOutcomeTravelsWithTheNextIntent) {
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

TEST_F(AuditOutcomeTest, AnOutcomeThatNothingFollowsGoesByItself) {
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
TEST_F(AuditOutcomeTest, EveryOutcomeGoesWhateverWasSentBefore) {
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

TEST_F(AuditOutcomeTest, NoMoreThanSoManyAreHeld) {
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

TEST_F(AuditOutcomeTest, WhatIsHeldIsSentWhenTheTrailCloses) {
  auto intent = trail.intend(agent, kRecord);
  turn();
  EXPECT_THAT(there(), ElementsAre(std::pair(kIntent, 1U)));
  intent.finish(kSuccess);
  trail.close();
  EXPECT_THAT(there(), ElementsAre(std::pair(kOutcome, 1U)));
}

// Another call of the agent may wait for the money that it frees.
TEST_F(AuditOutcomeTest, TheOutcomeOfAModelCallGoesAtOnce) {
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
TEST_F(AuditOutcomeTest, ThatAChargedIntentIsGivenUpIsToldAtOnce) {
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
