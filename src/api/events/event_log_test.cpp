#include "api/events/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "api/events/topics.hpp"

namespace deployclaw::api::events {
namespace {

using ::testing::ElementsAre;

Event change(std::uint64_t seq, std::string id) {
  return {.seq = seq, .kind = Kind::kAgentChanged, .id = std::move(id)};
}

std::vector<std::uint64_t> seqs(const EventLog::Since& since) {
  std::vector<std::uint64_t> out;
  for (const auto& event : since.events) out.push_back(event.seq);
  return out;
}

TEST(EventLog, ALaterChangeOfAThingTakesThePlaceOfTheEarlier) {
  EventLog log(0, 10);
  log.add(change(1, "a"));
  log.add(change(2, "b"));
  log.add(change(3, "a"));
  EXPECT_THAT(seqs(log.since(0)), ElementsAre(2, 3));
  EXPECT_THAT(seqs(log.since(2)), ElementsAre(3));
  EXPECT_THAT(seqs(log.since(3)), ElementsAre());
}

TEST(EventLog, SaysWhenItDoesNotKnowAllThatCame) {
  EventLog log(5, 2);
  EXPECT_TRUE(log.since(4).missed);
  EXPECT_FALSE(log.since(5).missed);
  log.add(change(6, "a"));
  log.add(change(7, "b"));
  EXPECT_FALSE(log.since(5).missed);
  log.add(change(8, "c"));
  EXPECT_TRUE(log.since(5).missed);
  EXPECT_FALSE(log.since(6).missed) << "what came after 6 is still all there";
}

// Whoever reads from any point, and is not told that something is missing, hears of everything that
// changed behind that point, in the order of the last changes.
RC_GTEST_PROP(EventLogProperty, NothingIsMissedInSilence, ()) {
  const auto most = *rc::gen::inRange<std::size_t>(1, 8);
  const auto ids = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
  EventLog log(0, most);
  for (std::size_t i = 0; i < ids.size(); ++i) log.add(change(i + 1, std::to_string(ids[i])));
  RC_ASSERT(log.size() <= most);
  const auto from = *rc::gen::inRange<std::size_t>(0, ids.size() + 1);
  const auto since = log.since(from);
  if (since.missed) return;
  std::map<std::string, std::uint64_t> expected;
  for (std::size_t i = from; i < ids.size(); ++i) expected[std::to_string(ids[i])] = i + 1;
  std::map<std::string, std::uint64_t> heard;
  std::uint64_t before = from;
  for (const auto& event : since.events) {
    RC_ASSERT(event.seq > before);
    before = event.seq;
    heard[event.id] = event.seq;
  }
  RC_ASSERT(heard == expected);
}

TEST(Topics, WantWhatTheyName) {
  const auto one = AgentId::random();
  const auto other = AgentId::random();
  const Event agent{.kind = Kind::kAgentChanged, .id = "x", .agent = one};
  const Event deployment{.kind = Kind::kDeploymentChanged, .id = "x", .agent = other};
  const Event approval{.kind = Kind::kApprovalChanged, .id = "x", .agent = one};
  const Event audit{.kind = Kind::kAuditAppended};
  const auto wants = [&](std::string_view text) {
    const auto topics = Topics::parse(text);
    if (!topics) return std::string("error");
    std::string out;
    for (const Event* event : {&agent, &deployment, &approval, &audit}) {
      out += topics->want(*event) ? '1' : '0';
    }
    return out + (topics->want({.kind = Kind::kResync}) ? "r" : "");
  };
  EXPECT_EQ(wants(""), "1111r");
  EXPECT_EQ(wants("agents"), "1100r");
  EXPECT_EQ(wants("deployments"), "0100r");
  EXPECT_EQ(wants("approvals,audit"), "0011r");
  EXPECT_EQ(wants("agent:" + one.to_string()), "1010r");
  EXPECT_EQ(wants("agent:" + other.to_string()), "0100r");
  for (const char* bad : {"agent", "agents,", ",", "agent:", "agent:1", "all", "agents, audit"}) {
    EXPECT_EQ(wants(bad), "error") << bad;
  }
}

}  // namespace
}  // namespace deployclaw::api::events
