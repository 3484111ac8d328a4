#include "orchestrator/usage_sampler.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/asio/io_context.hpp>

#include "db/testing/postgres.hpp"
#include "orchestrator/testing/rig.hpp"

namespace deployclaw::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::Customer;

constexpr std::chrono::steady_clock::time_point kStart{1000s};

UsageReading reading(std::chrono::milliseconds after, std::uint64_t cpu_microseconds,
                     std::uint64_t received = 0, std::uint64_t sent = 0) {
  return {.at = kStart + after,
          .cpu_microseconds = cpu_microseconds,
          .memory_bytes = 50 << 20,
          .memory_limit_bytes = 64 << 20,
          .interface_index = 7,
          .received_bytes = received,
          .sent_bytes = sent};
}

TEST(UsageBetween, IsTheDifferenceOfTheCountersOverTheTimeBetweenThem) {
  const auto usage =
      usage_between(reading(0s, 1'000'000, 100, 10), reading(15s, 8'500'000, 1100, 15));
  ASSERT_TRUE(usage);
  EXPECT_DOUBLE_EQ(usage->measured_seconds, 15);
  EXPECT_DOUBLE_EQ(usage->cpu_seconds, 7.5);
  EXPECT_EQ(usage->memory_bytes, 50U << 20);
  EXPECT_EQ(usage->memory_limit_bytes, 64U << 20);
  EXPECT_EQ(usage->received_bytes, 1000U);
  EXPECT_EQ(usage->sent_bytes, 5U);
}

TEST(UsageBetween, SaysNothingWhereACounterBeganAnew) {
  const auto before = reading(0s, 100, 100, 100);
  EXPECT_FALSE(usage_between(before, reading(15s, 99, 200, 200))) << "CPU";
  EXPECT_FALSE(usage_between(before, reading(15s, 200, 99, 200))) << "received";
  EXPECT_FALSE(usage_between(before, reading(15s, 200, 200, 99))) << "sent";
  auto other = reading(15s, 200, 200, 200);
  other.interface_index = 8;
  EXPECT_FALSE(usage_between(before, other)) << "another interface";
}

TEST(UsageBetween, SaysNothingOfNoTimeOrTooMuch) {
  EXPECT_FALSE(usage_between(reading(5s, 1), reading(5s, 2)));
  EXPECT_FALSE(usage_between(reading(6s, 1), reading(5s, 2)));
  EXPECT_TRUE(usage_between(reading(0s, 1), reading(kLongestMeasured, 2)));
  EXPECT_FALSE(usage_between(reading(0s, 1), reading(kLongestMeasured + 1ms, 2)));
}

RC_GTEST_PROP(UsageBetween, NeverTellsMoreThanTheCountersDo,
              (std::uint32_t cpu, std::uint32_t later_cpu, std::uint32_t rx, std::uint32_t later)) {
  const auto usage = usage_between(reading(0s, cpu, rx), reading(15s, later_cpu, later));
  RC_ASSERT(usage.has_value() == (later_cpu >= cpu && later >= rx));
  if (usage) {
    RC_ASSERT(usage->cpu_seconds >= 0);
    RC_ASSERT(usage->received_bytes == later - rx);
  }
}

// What a test plays as the kernel's counters; nullopt: they cannot be read.
class FakeUsage final : public UsageReader {
 public:
  Task<std::vector<std::optional<UsageReading>>> read(std::vector<UsageTarget> targets) override {
    std::vector<std::optional<UsageReading>> out;
    for (const auto& target : targets) out.push_back(counters[target.agent]);
    co_return out;
  }
  std::map<AgentId, std::optional<UsageReading>> counters;
};

// A sampler on a real database, its clock in the test's hand.
class Sampling : public ::testing::Test {
 protected:
  Sampling() {
    customer.ask("UPDATE agents SET host = 'test-host'");
    sampler.watch({target("c1")});
  }
  ~Sampling() override { finish(database.close()); }

  UsageTarget target(std::string container) const {
    return {.agent = agent,
            .container = std::move(container),
            .started_at = Time(1s),
            .pid = 1,
            .interface = "dca1"};
  }
  // Fifteen seconds pass, in which so much CPU is used.
  void pass(double cores, std::uint64_t bytes = 0) {
    clock.advance(15s);
    elapsed += 15s;
    cpu += static_cast<std::uint64_t>(cores * 15e6);
    network += bytes;
    usage.counters[agent] = reading(elapsed, cpu, network, network * 2);
    run(&UsageSampler::sample);
  }
  void run(Task<Status> (UsageSampler::*step)()) { finish(expect_good(sampler, step)); }
  // The database goes on with its own work: io never has nothing to do.
  void finish(Task<void> task) {
    bool done = false;
    TaskGroup tasks(io.get_executor());
    tasks.spawn("step", note_end(std::move(task), done));
    while (!done || tasks.size() > 0) {
      io.restart();
      io.run_one_for(1s);
    }
  }
  static Task<void> note_end(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  static Task<void> expect_good(UsageSampler& sampler, Task<Status> (UsageSampler::*step)()) {
    const auto done = co_await (sampler.*step)();
    EXPECT_TRUE(done) << done.error().message;
  }
  std::string rows(int resolution, const std::string& what = "count(*)") {
    return customer.ask("SELECT " + what +
                        " FROM agent_metrics WHERE resolution = " + std::to_string(resolution));
  }

  Customer customer;
  AgentId agent = customer.create("measured");
  boost::asio::io_context io;
  ManualClock clock{*parse_time("2026-11-24T10:00:00.050Z")};
  db::Database database{
      io.get_executor(),
      {.conninfo = db::testing::Postgres::shared().conninfo("deployclaw_orchestrator")}};
  FakeUsage usage;
  UsageSampler sampler{database, usage, clock, "test-host"};
  std::chrono::milliseconds elapsed{0};
  std::uint64_t cpu = 0;
  std::uint64_t network = 0;
};

TEST_F(Sampling, StoresWhatWasUsedInTheStretchThatEnded) {
  pass(0.5);
  EXPECT_EQ(rows(15), "0") << "one reading tells no rate";
  pass(0.5, 3000);
  EXPECT_EQ(rows(15, "cpu_seconds / measured_seconds"), "0.5");
  EXPECT_EQ(rows(15, "at = '2026-11-24T10:00:15Z'"), "t");
  EXPECT_EQ(rows(15, "received_bytes"), "3000");
  EXPECT_EQ(rows(15, "sent_bytes"), "6000");
  EXPECT_EQ(rows(15, "client_id"), customer.client().to_string());
}

TEST_F(Sampling, ARestartLeavesAGapAndNoWrongRate) {
  pass(0.1);
  pass(0.1);
  cpu = network = 0;
  sampler.watch({target("c2")});
  pass(4);
  EXPECT_EQ(rows(15), "1") << "the first reading of the new container";
  pass(0.2);
  EXPECT_EQ(rows(15), "2");
  EXPECT_EQ(rows(15, "max(cpu_seconds / measured_seconds)"), "0.2");
}

TEST_F(Sampling, WhatCannotBeReadIsNotMeasured) {
  pass(0.1);
  clock.advance(15s);
  usage.counters[agent].reset();
  run(&UsageSampler::sample);
  EXPECT_EQ(rows(15), "0");
  elapsed += 15s;
  pass(0.1);
  EXPECT_EQ(rows(15), "0") << "the reading before the gap is forgotten";
  pass(0.1);
  EXPECT_EQ(rows(15), "1");
}

TEST_F(Sampling, AnAgentThatIsGoneIsPassedOver) {
  pass(0.1);
  customer.ask("DELETE FROM agents");
  pass(0.1);
  EXPECT_EQ(rows(15), "0");
}

TEST_F(Sampling, CoarserStretchesHoldTheSameSums) {
  for (int i = 0; i <= 60; ++i) {
    pass(i % 2 == 0 ? 0.2 : 0.4, 100);
    if (i % 4 == 0) run(&UsageSampler::tidy);
  }
  run(&UsageSampler::tidy);
  for (const char* sum : {"sum(measured_seconds)", "round(sum(cpu_seconds)::numeric, 6)",
                          "sum(received_bytes)", "sum(sent_bytes)"}) {
    EXPECT_EQ(rows(60, sum), rows(15, sum)) << sum;
    EXPECT_EQ(rows(900, sum), rows(15, sum)) << sum;
  }
  EXPECT_EQ(rows(60), "16") << "two of them not whole";
  EXPECT_EQ(rows(900), "2");
  EXPECT_EQ(rows(900, "bool_and(memory_bytes = 52428800)"), "t");
}

TEST_F(Sampling, AfterARestartOfTheProcessNothingThatIsKeptIsMissing) {
  for (int i = 0; i <= 20; ++i) pass(0.2);
  EXPECT_EQ(rows(60), "0");
  UsageSampler next(database, usage, clock, "test-host");
  finish(expect_good(next, &UsageSampler::tidy));
  EXPECT_EQ(rows(60, "sum(cpu_seconds)"), rows(15, "sum(cpu_seconds)"));
}

TEST_F(Sampling, OldStretchesGoEachInItsTime) {
  customer.ask(
      "INSERT INTO agent_metrics SELECT client_id, id, r, timestamptz '2026-11-24T10:00:00Z' - "
      "age, "
      "15, 1, 1, null, 1, 1 FROM agents, unnest(ARRAY[15, 60, 900]) r, unnest(ARRAY[interval '1 "
      "hour', "
      "'3 hours', '3 days', '31 days']) age");
  // Their coarser stretches stay as they are: a part of their samples must not replace them.
  run(&UsageSampler::tidy);
  EXPECT_EQ(rows(15, "count(*)"), "1");
  EXPECT_EQ(rows(60, "count(*)"), "2");
  EXPECT_EQ(rows(900, "min(at) = '2026-11-21T10:00:00Z'"), "t") << "the one of 31 days ago went";
}

TEST_F(Sampling, OtherHostsAgentsAreTheirs) {
  for (int i = 0; i <= 5; ++i) pass(0.2);
  customer.ask("UPDATE agents SET host = 'elsewhere'");
  run(&UsageSampler::tidy);
  EXPECT_EQ(rows(60), "0");
}

}  // namespace
}  // namespace deployclaw::orchestrator
