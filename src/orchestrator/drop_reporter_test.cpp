#include "orchestrator/drop_reporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "orchestrator/testing/rig.hpp"

namespace deployclaw::orchestrator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Rig;
using ::testing::SizeIs;

const Time kNow{1'750'000'000s};

linux::DroppedPacket packet(const std::string& interface, const char* destination,
                            std::uint16_t port, const char* reason = "host",
                            std::uint8_t protocol = 17) {
  linux::DroppedPacket dropped{.reason = reason, .interface = interface, .packet = {}};
  dropped.packet.destination = boost::asio::ip::make_address(destination);
  dropped.packet.destination_port = port;
  dropped.packet.protocol = protocol;
  return dropped;
}

TEST(DropTally, TellsTheFirstAttemptAtOnceAndThenOnceAMinute) {
  DropTally tally(1min);
  tally.add(packet("dca2", "10.0.0.1", 53), kNow);
  EXPECT_EQ(tally.take_due(kNow).at(0).count, 1U);
  for (int i = 1; i <= 59; ++i) {
    tally.add(packet("dca2", "10.0.0.1", 53), kNow + std::chrono::seconds(i));
    EXPECT_TRUE(tally.take_due(kNow + std::chrono::seconds(i)).empty()) << i;
  }
  const auto due = tally.take_due(kNow + 60s);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].count, 59U);
  EXPECT_EQ(due[0].first_seen, kNow + 1s);
  EXPECT_TRUE(tally.take_due(kNow + 200s).empty());
}

TEST(DropTally, KeepsDestinationsPortsProtocolsAndInterfacesApart) {
  DropTally tally(1min);
  tally.add(packet("dca2", "10.0.0.1", 53), kNow);
  tally.add(packet("dca2", "10.0.0.1", 54), kNow);
  tally.add(packet("dca2", "10.0.0.2", 53), kNow);
  tally.add(packet("dca2", "10.0.0.1", 53, "host", 6), kNow);
  tally.add(packet("dca3", "10.0.0.1", 53), kNow);
  tally.add(packet("dca3", "10.0.0.1", 53, "spoofed"), kNow);
  const auto due = tally.take_due(kNow);
  EXPECT_THAT(due, SizeIs(5));
  EXPECT_EQ(due.back().reasons, (std::set<std::string>{"host", "spoofed"}));
}

TEST(DropTally, CountsAPortScanTogetherAndOnlyThatInterfaces) {
  DropTally tally(1min);
  for (int port = 1; port <= 1000; ++port) {
    tally.add(packet("dca2", "10.0.0.1", static_cast<std::uint16_t>(port)), kNow);
  }
  tally.add(packet("dca3", "10.0.0.1", 53), kNow);
  const auto due = tally.take_due(kNow);
  EXPECT_THAT(due, SizeIs(DropTally::kMaxDestinations + 2));
  std::uint64_t together = 0;
  for (const auto& attempts : due) {
    if (attempts.destination.is_unspecified()) together += attempts.count;
  }
  EXPECT_EQ(together, 1000 - DropTally::kMaxDestinations);
  // What rests makes room again.
  EXPECT_TRUE(tally.take_due(kNow + 1min).empty());
  tally.add(packet("dca2", "10.0.0.1", 2000), kNow + 1min);
  EXPECT_EQ(tally.take_due(kNow + 1min).at(0).port, 2000);
}

TEST(DropTally, LosesNothingThatIsPutBack) {
  DropTally tally(1min);
  tally.add(packet("dca2", "10.0.0.1", 53), kNow);
  auto due = tally.take_due(kNow);
  tally.add(packet("dca2", "10.0.0.1", 53, "spoofed"), kNow + 1s);
  for (const auto& attempts : due) tally.put_back(attempts);
  due = tally.take_due(kNow + 2s);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].count, 2U);
  EXPECT_EQ(due[0].first_seen, kNow);
  EXPECT_THAT(due[0].reasons, SizeIs(2));
}

TEST(DropTally, TellsEverythingWhenAsked) {
  DropTally tally(1min);
  tally.add(packet("dca2", "10.0.0.1", 53), kNow);
  tally.take_due(kNow);
  tally.add(packet("dca2", "10.0.0.1", 53), kNow);
  EXPECT_TRUE(tally.take_due(kNow).empty());
  EXPECT_THAT(tally.take_due(kNow, true), SizeIs(1));
}

TEST(BlockedEvent, SaysWhoTriedWhat) {
  const InterfaceOwner owner{ClientId::random(), AgentId::random()};
  const auto event = blocked_event(owner, {.interface = "dca2",
                                           .destination = boost::asio::ip::make_address("fd00::1"),
                                           .port = 443,
                                           .protocol = 6,
                                           .count = 3,
                                           .reasons = {"ipv6"},
                                           .first_seen = kNow});
  EXPECT_EQ(event.client, owner.client);
  EXPECT_EQ(event.agent, owner.agent);
  EXPECT_EQ(event.action_type, "connection_blocked");
  EXPECT_EQ(event.outcome, "denied");
  EXPECT_EQ(event.target, "[fd00::1]:443");
  EXPECT_EQ(boost::json::serialize(event.metadata),
            R"({"count":3,"reasons":["ipv6"],"firstSeen":"2025-06-15T15:06:40.000Z",)"
            R"("protocol":"tcp","destination":"fd00::1","port":443})");
}

class DropReporterTest : public ::testing::Test {
 protected:
  std::string blocked(const std::string& column = "count(*)") {
    return rig.customer.ask("SELECT " + column +
                            " FROM audit_logs WHERE action_type = 'connection_blocked'");
  }
  std::string running(const std::string& name) {
    agent = rig.customer.create(name);
    EXPECT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
    return rig.network.wired.begin()->first;
  }
  Rig rig;
  AgentId agent;
};

TEST_F(DropReporterTest, AnAgentsBlockedPacketsBecomeOneRecordOfItsClient) {
  rig.start();
  const auto interface = running("a");
  rig.drops.drop(interface, "8.8.8.8", 853, 5);
  ASSERT_TRUE(rig.until([&] { return blocked() == "1"; }));
  rig.drops.drop(interface, "8.8.8.8", 853, 5);
  rig.run_for(200ms);
  EXPECT_EQ(blocked(), "1") << "one in a minute";
  EXPECT_EQ(blocked("client_id"), rig.customer.client().to_string());
  EXPECT_EQ(blocked("agent_id"), agent.to_string());
  EXPECT_EQ(blocked("target || ' ' || outcome"), "8.8.8.8:853 denied");
  EXPECT_THAT(blocked("metadata"), HasSubstr("\"count\": 5"));
  rig.stop();
  EXPECT_EQ(blocked("sum((metadata->>'count')::int)"), "10") << "an end tells the rest";
}

TEST_F(DropReporterTest, PacketsOfNobodysInterfaceAreNobodysRecord) {
  rig.start();
  running("a");
  rig.drops.drop("dca10.231.9.9", "8.8.8.8", 853);
  rig.run_for(200ms);
  rig.stop();
  EXPECT_EQ(blocked(), "0");
}

TEST_F(DropReporterTest, NothingIsLostWhileTheDatabaseRefuses) {
  rig.start();
  const auto interface = running("a");
  rig.customer.ask("REVOKE EXECUTE ON FUNCTION audit.append(jsonb) FROM deployclaw_orchestrator");
  rig.drops.drop(interface, "8.8.8.8", 853, 3);
  rig.run_for(200ms);
  EXPECT_EQ(blocked(), "0");
  rig.drops.drop(interface, "8.8.8.8", 853, 4);
  rig.run_for(100ms);
  rig.customer.ask("GRANT EXECUTE ON FUNCTION audit.append(jsonb) TO deployclaw_orchestrator");
  ASSERT_TRUE(rig.until([&] { return blocked() == "1"; }));
  EXPECT_THAT(blocked("metadata"), HasSubstr("\"count\": 7"));
}

}  // namespace
}  // namespace deployclaw::orchestrator
