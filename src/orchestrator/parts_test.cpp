// The small pure parts.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "orchestrator/config_merge.hpp"
#include "orchestrator/launch.hpp"
#include "orchestrator/lease_keeper.hpp"
#include "orchestrator/metrics.hpp"
#include "orchestrator/output_collector.hpp"
#include "orchestrator/steps.hpp"

namespace deployclaw::orchestrator {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const Time kNow{1'750'000'000s};

json::object object(const char* text) { return json::parse(text).as_object(); }
std::string merged(const char* theirs, const char* ours, const char* before = "{}") {
  return json::serialize(merge_config(object(theirs), object(ours), object(before)));
}

TEST(MergeConfig, OursWinsAndTheRestIsTheAgents) {
  EXPECT_EQ(merged(R"({"gateway":{"token":"stolen","extra":1},"own":true})",
                   R"({"gateway":{"token":"ours"}})"),
            R"({"gateway":{"token":"ours","extra":1},"own":true})");
  EXPECT_EQ(merged(R"({"gateway":"not an object"})", R"({"gateway":{"token":"ours"}})"),
            R"({"gateway":{"token":"ours"}})");
}

TEST(MergeConfig, WhatWeNoLongerWantGoes) {
  const auto before = json::serialize(shape_of(object(R"({"a":{"x":"secret","y":2},"b":[1]})")));
  EXPECT_EQ(before, R"({"a":{"x":null,"y":null},"b":null})");
  EXPECT_EQ(
      merged(R"({"a":{"x":"secret","y":2,"own":3},"b":[1]})", R"({"a":{"y":5}})", before.c_str()),
      R"({"a":{"own":3,"y":5}})");
  EXPECT_EQ(merged(R"({"a":{"x":"secret"}})", "{}", before.c_str()), "{}");
}

TEST(Steps, OneIsOpenAtATimeAndAnInterruptionIsTold) {
  Steps steps;
  EXPECT_TRUE(steps.begin("image", kNow));
  EXPECT_FALSE(steps.begin("image", kNow));
  EXPECT_TRUE(steps.begin("volume", kNow + 1s));
  EXPECT_FALSE(steps.json()[0].at("endedAt").is_null());
  EXPECT_TRUE(steps.json()[1].at("endedAt").is_null());
  const Steps resumed(steps.json(), kNow + 5s);
  EXPECT_EQ(resumed.json()[1].at("detail"), "interrupted; going on");
}

TEST(LineGate, DropsAboveTheRateAndCountsWhatItDropped) {
  LineGate gate(3);
  std::string marker;
  int passed = 0;
  for (int i = 0; i < 10; ++i) passed += gate.admit(kNow, marker);
  EXPECT_EQ(passed, 3);
  EXPECT_TRUE(gate.admit(kNow + 1s, marker));
  EXPECT_EQ(marker, "… 7 lines dropped");
  EXPECT_EQ(gate.finish(), "");
}

RC_GTEST_PROP(LineGate, NeverLosesCountOfALine, (std::vector<std::uint8_t> gaps)) {
  LineGate gate(2);
  Time now = kNow;
  std::size_t passed = 0;
  std::size_t told = 0;
  const auto count_in = [](const std::string& marker) {
    return marker.empty() ? std::size_t{0} : std::stoul(marker.substr(4));
  };
  for (const auto gap : gaps) {
    now += std::chrono::milliseconds(gap * 4);
    std::string marker;
    passed += gate.admit(now, marker);
    told += count_in(marker);
  }
  told += count_in(gate.finish());
  RC_ASSERT(passed + told == gaps.size());
}

TEST(ProcessIdentity, TellsTheLivingFromTheDead) {
  const auto own = process_identity();
  EXPECT_FALSE(is_dead(own));
  auto other = own;
  other[0] = other[0] == 'a' ? 'b' : 'a';  // another kernel: nothing is known
  EXPECT_FALSE(is_dead(other));
  EXPECT_FALSE(is_dead("somebody"));
  // The same pid, but started at another time.
  auto end = own.rfind('/');
  auto start = own.rfind('/', end - 1);
  EXPECT_TRUE(is_dead(own.substr(0, start) + "/1" + own.substr(end)));
}

TEST(HostName, IsStableAndShort) {
  EXPECT_EQ(host_name_of(*AgentId::parse("0123abcd-4567-4890-9abc-def012345678")),
            "agent-0123abcd4567");
}

TEST(Metrics, AreWellFormed) {
  Metrics metrics;
  metrics.count_action(domain::ActionKind::kCreateContainer, false);
  metrics.set_agents({{domain::AgentStatus::kRunning, 2}});
  const auto text = metrics.text();
  EXPECT_NE(text.find("actions_total{action=\"create_container\",outcome=\"success\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("agents{status=\"running\"} 2\n"), std::string::npos);
}

}  // namespace
}  // namespace deployclaw::orchestrator
