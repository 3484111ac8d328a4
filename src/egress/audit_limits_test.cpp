// What the intake admits: windows and money, together with the disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <map>

#include "egress/audit_intake.hpp"
#include "egress/testing/audit_socket.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using net::testing::run_task;
using net::testing::run_until;
using testing::AuditSocket;
using Kind = LimitRefusal::Kind;

constexpr std::uint8_t kMail = 1;  // email:send
constexpr domain::Millis kStart = 1'750'000'000'000;

class AuditLimits : public ::testing::Test {
 protected:
  AuditLimits() { limits.windows.fill({.per_hour = 2, .per_day = 3}); }

  void start(std::uint64_t most_bytes = 1ULL << 20) {
    auto spool = Spool::open(directory.path(), most_bytes, 1ULL << 24, [this](int fd) {
      if (failing_syncs == 0) return fsync(fd);
      --failing_syncs;
      errno = EIO;
      return -1;
    });
    ASSERT_TRUE(spool);
    intake = std::make_unique<AuditIntake>(
        std::move(*spool), io.get_executor(), [] {}, [this] { return now.load(); });
  }
  AuditSocket worker() {
    AuditSocket socket(io, agent);
    intake->add_agents(client, {agent});
    intake->set_limits({{agent, limits}});
    intake->load_uses(agent, {});
    intake->add_worker(socket.other_end(), client);
    return socket;
  }
  // The answer to that intent, which may come in any packet.
  static IntentAnswer answer_to(AuditSocket& socket, std::uint64_t id) {
    while (true) {
      for (const auto& answer : socket.answer().answers) {
        if (answer.id == id) return answer;
      }
    }
  }
  static IntentAnswer ask(AuditSocket& socket, std::uint64_t id, const Charge& charge) {
    socket.ask(id, charge);
    return answer_to(socket, id);
  }
  static DurableMessage ask_free(AuditSocket& socket, std::uint64_t id) {
    socket.say(RecordKind::kIntent, id, "{}");
    return socket.answer();
  }
  static void finish(AuditSocket& socket, AgentId agent, std::uint64_t id,
                     domain::MicroDollars spent) {
    socket.tell({.kind = RecordKind::kOutcome,
                 .agent = agent,
                 .id = id,
                 .json = R"({"outcome":"success"})",
                 .amount = spent});
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  asio::io_context io;
  vault::TemporaryDirectory directory;
  domain::AgentLimits limits{.windows = {}, .daily_spend = 10'000'000};
  std::atomic<domain::Millis> now = kStart;
  std::atomic<int> failing_syncs = 0;
  std::unique_ptr<AuditIntake> intake;
};

TEST_F(AuditLimits, ALookCountsNothingAndSaysWhatIsInTheWay) {
  start();
  const auto look = [&](AgentId whose, std::uint8_t scope) {
    return run_task(io, intake->check_limits(whose, scope));
  };
  EXPECT_FALSE(look(agent, kMail)) << "not known yet: the admission will say";
  auto socket = worker();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(look(agent, kMail));
  const Charge mail{.scope = kMail};
  EXPECT_FALSE(ask(socket, 1, mail).limit);
  EXPECT_FALSE(ask(socket, 2, mail).limit);
  const auto full = look(agent, kMail);
  ASSERT_TRUE(full);
  EXPECT_EQ(full, ask(socket, 3, mail).limit) << "as the admission says it";
  EXPECT_FALSE(look(agent, kMail + 1));
  EXPECT_FALSE(look(agent, kNoScope));
  EXPECT_FALSE(look(AgentId::random(), kMail));
  now = kStart + domain::kHour;
  EXPECT_FALSE(look(agent, kMail));
}

TEST_F(AuditLimits, AdmitsWhatFitsAndNamesTheLimitThatDoesNot) {
  start();
  auto socket = worker();
  const Charge mail{.scope = kMail};
  EXPECT_FALSE(ask(socket, 1, mail).limit);
  now = kStart + 1'500;
  EXPECT_FALSE(ask(socket, 2, mail).limit);
  const auto third = ask(socket, 3, mail);
  ASSERT_TRUE(third.limit);
  EXPECT_EQ(third.limit->kind, Kind::kRate);
  EXPECT_EQ(third.limit->scope, kMail);
  EXPECT_EQ(third.limit->window, domain::Window::kHour);
  EXPECT_EQ(third.limit->max, 2U);
  EXPECT_EQ(third.limit->retry_after_seconds, 3'599U) << "when the first is an hour old";
  EXPECT_FALSE(ask(socket, 4, {.scope = 0}).limit) << "another scope";
  now = kStart + domain::kHour;
  EXPECT_FALSE(ask(socket, 5, mail).limit);
  now = kStart + (2 * domain::kHour);
  const auto day = ask(socket, 6, mail);
  ASSERT_TRUE(day.limit);
  EXPECT_EQ(day.limit->window, domain::Window::kDay);
  EXPECT_EQ(day.limit->max, 3U);
}

TEST_F(AuditLimits, RefusesWhatItHasNoLimitsOrNoPastOf) {
  start();
  AuditSocket socket(io, agent);
  intake->add_agents(client, {agent});
  intake->add_worker(socket.other_end(), client);
  const Charge mail{.scope = kMail};
  socket.ask(1, mail);
  // It may be loaded yet.
  EXPECT_EQ(ask_free(socket, 9).refused, Refusal::kNo) << "what costs nothing goes on";
  now = kStart + 10'000;
  EXPECT_EQ(answer_to(socket, 1).limit->kind, Kind::kNotReady);
  intake->set_limits({{agent, limits}});
  socket.ask(2, mail);
  EXPECT_EQ(ask_free(socket, 10).refused, Refusal::kNo);
  now = kStart + 20'000;
  EXPECT_EQ(answer_to(socket, 2).limit->kind, Kind::kNotReady);
  Ledger::Past past;
  past.uses[kMail] = {kStart - 1, kStart + 99'999};
  socket.ask(3, mail);
  EXPECT_EQ(ask_free(socket, 11).refused, Refusal::kNo);
  intake->load_uses(agent, past);
  EXPECT_EQ(answer_to(socket, 3).limit->kind, Kind::kRate) << "two were used in a former life";
  intake->forget_uses();
  socket.ask(4, mail);
  EXPECT_EQ(ask_free(socket, 12).refused, Refusal::kNo);
  now = kStart + 30'000;
  EXPECT_EQ(answer_to(socket, 4).limit->kind, Kind::kNotReady);
}

TEST_F(AuditLimits, ALimitChangesWithoutForgettingWhatWasUsed) {
  start();
  auto socket = worker();
  const Charge mail{.scope = kMail};
  ask(socket, 1, mail);
  limits.windows[kMail].per_hour = 1;
  intake->set_limits({{agent, limits}});
  EXPECT_EQ(ask(socket, 2, mail).limit->max, 1U);
  limits.windows[kMail].per_hour = 2;
  intake->set_limits({{agent, limits}});
  EXPECT_FALSE(ask(socket, 3, mail).limit);
  EXPECT_TRUE(ask(socket, 4, mail).limit);
}

TEST_F(AuditLimits, WhatIsRefusedIsNotInTheSpool) {
  start();
  auto socket = worker();
  for (std::uint64_t id = 1; id <= 5; ++id) ask(socket, id, {.scope = kMail});
  EXPECT_EQ(intake->records(), 2U);
  socket.close();
  EXPECT_TRUE(run_until(io, [&] { return intake->records() == 4; })) << "two were interrupted";
}

TEST_F(AuditLimits, OfManyAtOnceExactlyAsManyAsFitAreAdmitted) {
  limits.windows[kMail] = {.per_hour = 20, .per_day = 100};
  start();
  auto socket = worker();
  constexpr std::uint64_t kAsked = 200;
  for (std::uint64_t id = 1; id <= kAsked; ++id) socket.ask(id, {.scope = kMail});
  std::map<std::uint64_t, bool> admitted;
  while (admitted.size() < kAsked) {
    for (const auto& answer : socket.answer().answers) admitted[answer.id] = !answer.limit;
  }
  EXPECT_EQ(std::ranges::count_if(admitted, [](const auto& one) { return one.second; }), 20);
}

TEST_F(AuditLimits, AnAdmissionThatTheDiskRefusesIsNotCounted) {
  start();
  auto socket = worker();
  const Charge model{.scope = kMail, .least = 1, .wanted = 10'000'000};
  failing_syncs = 1;
  EXPECT_EQ(ask(socket, 1, model).refused, Refusal::kUnwritable);
  const auto second = ask(socket, 2, model);
  EXPECT_EQ(second.refused, Refusal::kNo);
  EXPECT_EQ(second.grant.micro_dollars, 5'000'000U);
  EXPECT_FALSE(ask(socket, 3, {.scope = kMail}).limit);
  EXPECT_TRUE(ask(socket, 4, {.scope = kMail}).limit);
}

TEST_F(AuditLimits, AFullSpoolRefusesChargedIntentsOneByOne) {
  start(200);
  auto socket = worker();
  socket.ask(1, {.scope = kMail}, R"({"target":")" + std::string(200, 'x') + R"("})");
  EXPECT_EQ(answer_to(socket, 1).refused, Refusal::kUnwritable);
  EXPECT_FALSE(ask(socket, 2, {.scope = kMail}).limit);
}

// ---- Money.

TEST_F(AuditLimits, GivesHalfOfWhatIsLeftAndNeverMoreThanTheCap) {
  start();
  auto socket = worker();
  const Charge model{.least = 1'000'000, .wanted = 20'000'000};
  EXPECT_EQ(ask(socket, 1, model).grant.micro_dollars, 5'000'000U);
  EXPECT_EQ(ask(socket, 2, model).grant.micro_dollars, 2'500'000U);
  finish(socket, agent, 1, 5'000'000);
  finish(socket, agent, 2, 2'500'000);
  EXPECT_EQ(ask(socket, 3, model).grant.micro_dollars, 1'250'000U);
  finish(socket, agent, 3, kAllReserved);
  EXPECT_EQ(ask(socket, 4, model).grant.micro_dollars, 1'000'000U);
  finish(socket, agent, 4, 900'000);
  const auto fifth = ask(socket, 5, model);
  ASSERT_TRUE(fifth.limit);
  EXPECT_EQ(fifth.limit->kind, Kind::kSpend);
  EXPECT_EQ(fifth.limit->cap, 10'000'000U);
  EXPECT_EQ(fifth.limit->spent, 9'650'000U);
  EXPECT_EQ(fifth.limit->retry_after_seconds,
            (domain::next_midnight(kStart) - kStart + 999) / 1000);
  now = domain::next_midnight(kStart);
  EXPECT_EQ(ask(socket, 6, model).grant.micro_dollars, 5'000'000U) << "another day";
}

TEST_F(AuditLimits, ACallWaitsForWhatRunningOnesHoldInTheOrderInWhichTheyCame) {
  start();
  auto socket = worker();
  const Charge most{.least = 8'000'000, .wanted = 8'000'000};
  EXPECT_FALSE(ask(socket, 1, most).limit);
  socket.ask(2, most);
  socket.ask(3, {.least = 1, .wanted = 1});
  // What has no price is not kept waiting.
  EXPECT_FALSE(ask(socket, 4, {.scope = kMail}).limit);
  EXPECT_EQ(intake->records(), 2U) << "those that wait are not told of";
  finish(socket, agent, 1, 0);
  EXPECT_EQ(answer_to(socket, 2).grant.micro_dollars, 8'000'000U);
  socket.tell({.kind = RecordKind::kLower, .agent = agent, .id = 2, .json = {}, .amount = 1'000});
  EXPECT_EQ(ask(socket, 5, most).grant.micro_dollars, 8'000'000U) << "lowered, so there is room";
}

TEST_F(AuditLimits, AWaitEndsWithARefusalAndLeavesNothingBehind) {
  start();
  auto socket = worker();
  const Charge most{.least = 8'000'000, .wanted = 8'000'000};
  ask(socket, 1, most);
  socket.ask(2, most);
  ask(socket, 3, {.scope = kMail});
  now = kStart + 20'000;
  const auto refused = answer_to(socket, 2);
  ASSERT_TRUE(refused.limit);
  EXPECT_EQ(refused.limit->kind, Kind::kSpend);
  EXPECT_EQ(refused.limit->retry_after_seconds, 20U) << "others hold it, and will not all day";
  finish(socket, agent, 1, 0);
  EXPECT_FALSE(ask(socket, 4, most).limit);
}

TEST_F(AuditLimits, ACallThatIsGivenUpWhileItWaitsIsForgotten) {
  start();
  auto socket = worker();
  const Charge most{.least = 8'000'000, .wanted = 8'000'000};
  ask(socket, 1, most);
  socket.ask(2, most);
  finish(socket, agent, 2, 0);
  socket.ask(3, most);
  finish(socket, agent, 1, 0);
  EXPECT_FALSE(answer_to(socket, 3).limit);
}

TEST_F(AuditLimits, AWorkerThatIsKilledHasSpentWhatItsCallsHad) {
  start();
  auto socket = worker();
  auto other = worker();
  const Charge model{.least = 6'000'000, .wanted = 6'000'000};
  ask(socket, 1, model);
  socket.ask(2, model);
  socket.close();
  ASSERT_TRUE(run_until(io, [&] { return intake->records() == 2; }));
  const auto refused = ask(other, 1, model);
  ASSERT_TRUE(refused.limit);
  EXPECT_EQ(refused.limit->spent, 6'000'000U);
  EXPECT_FALSE(ask(other, 2, {.least = 4'000'000, .wanted = 4'000'000}).limit)
      << "the one that waited has cost nothing";
}

TEST_F(AuditLimits, ACapOfNothingAllowsNoCallAtAll) {
  limits.daily_spend = 0;
  start();
  auto socket = worker();
  EXPECT_EQ(ask(socket, 1, {.least = 0, .wanted = 1}).limit->kind, Kind::kSpend);
}

}  // namespace
}  // namespace deployclaw::egress
