#include "egress/audit_intake.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ranges>
#include <thread>

#include "egress/log_limiter.hpp"
#include "egress/testing/audit_intake_rig.hpp"

namespace deployclaw::egress {
namespace {

using net::testing::run_until;
using testing::AuditSocket;
using ::testing::HasSubstr;

class AuditIntakeTest : public testing::AuditIntakeRig {};

TEST_F(AuditIntakeTest, AnswersAnIntentOnceItIsDurable) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 5, R"({"target":"t"})", agent);
  const auto answer = worker.answer();
  EXPECT_EQ(answer.sequence, 1U);
  EXPECT_EQ(answer.refused, Refusal::kNo);
  const auto records = durable();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].kind, RecordKind::kIntent);
  EXPECT_EQ(records[0].client, client);
  EXPECT_EQ(records[0].agent, agent);
  EXPECT_EQ(records[0].id, 5U);
  EXPECT_EQ(records[0].json, R"({"target":"t"})");
  EXPECT_TRUE(intake->writable());
  EXPECT_TRUE(run_until(io, [&] { return told > 0; }));
}

TEST_F(AuditIntakeTest, DoesNotAnswerOutcomesAndEventsButWritesThem) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kEvent, 0, "{}");
  worker.say(RecordKind::kOutcome, 1, "{}");
  EXPECT_EQ(durable(2).size(), 2U) << "without an intent they become durable by themselves";
  EXPECT_TRUE(run_until(io, [&] { return told > 0; }));
  worker.say(RecordKind::kIntent, 2, "{}");
  EXPECT_EQ(worker.answer().sequence, 3U) << "the first answer is the intent's";
}

TEST_F(AuditIntakeTest, EndsTheOpenIntentsOfAWorkerThatEnds) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 1, "{}", agent);
  worker.say(RecordKind::kIntent, 2, "{}", agent);
  worker.say(RecordKind::kOutcome, 1, R"({"outcome":"success"})", agent);
  while (worker.answer().sequence < 2) {
  }
  worker.close();
  const auto records = durable(4);
  ASSERT_EQ(records.size(), 4U);
  const auto& last = records[3];
  EXPECT_EQ(last.kind, RecordKind::kOutcome);
  EXPECT_EQ(last.id, 2U);
  EXPECT_EQ(last.agent, agent);
  EXPECT_EQ(last.client, client);
  EXPECT_EQ(last.worker, records[1].worker);
  EXPECT_THAT(last.json, HasSubstr("interrupted"));
}

TEST_F(AuditIntakeTest, RefusesIntentsWhileTheSpoolIsFullAndTakesThemAgain) {
  start(200);
  AuditSocket worker = worker_of(client);
  const std::string large = R"({"target":")" + std::string(200, 'x') + R"("})";
  worker.say(RecordKind::kIntent, 1, large);
  const auto refused = worker.answer();
  EXPECT_EQ(refused.sequence, 1U);
  EXPECT_EQ(refused.refused, Refusal::kUnwritable);
  EXPECT_FALSE(intake->writable());
  EXPECT_TRUE(durable().empty());
  worker.say(RecordKind::kIntent, 2, "{}");
  const auto taken = worker.answer();
  EXPECT_EQ(taken.sequence, 2U);
  EXPECT_EQ(taken.refused, Refusal::kNo);
  EXPECT_TRUE(intake->writable());
}

TEST_F(AuditIntakeTest, AWorkerSpeaksOfItsOwnClientOnly) {
  start();
  const auto other = ClientId::random();
  AuditSocket mine = worker_of(client);
  AuditSocket theirs = worker_of(other);
  mine.say(RecordKind::kIntent, 1, R"({"clientId":")" + other.to_string() + R"("})");
  EXPECT_EQ(mine.answer().sequence, 1U);
  // Neither does an outcome of the same number end another worker's intent.
  theirs.say(RecordKind::kOutcome, 1, "{}");
  theirs.say(RecordKind::kIntent, 9, "{}");
  EXPECT_EQ(theirs.answer().sequence, 2U);
  mine.close();
  const auto records = durable(4);
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].client, client);
  EXPECT_EQ(records[1].client, other);
  EXPECT_EQ(records[2].client, other);
  EXPECT_NE(records[0].worker, records[1].worker);
  EXPECT_EQ(records[3].client, client);
  EXPECT_THAT(records[3].json, HasSubstr("interrupted"));
}

TEST_F(AuditIntakeTest, GoesOnBehindWhatIsNoRecord) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say_raw("garbage");
  worker.say_raw(encode(IdleMessage{.connections = 1}));
  worker.say(RecordKind::kIntent, 1, "{}");
  EXPECT_EQ(worker.answer().sequence, 3U);
  EXPECT_EQ(durable().size(), 1U);
}

TEST_F(AuditIntakeTest, CutsARecordThatIsTooLarge) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 1, std::string(20'000, 'x'));
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  ASSERT_EQ(durable().size(), 1U);
  EXPECT_THAT(durable()[0].json, HasSubstr("too large"));
}

TEST_F(AuditIntakeTest, ManyIntentsShareASync) {
  start();
  AuditSocket worker = worker_of(client);
  constexpr std::uint64_t kCount = 500;
  for (std::uint64_t id = 1; id <= kCount; ++id) worker.say(RecordKind::kIntent, id, "{}");
  std::uint64_t last = 0;
  while (last < kCount) {
    const auto answer = worker.answer();
    ASSERT_GT(answer.sequence, last);
    last = answer.sequence;
  }
  EXPECT_EQ(durable().size(), kCount);
  EXPECT_EQ(intake->records(), kCount);
  EXPECT_LT(intake->syncs(), kCount);
}

TEST_F(AuditIntakeTest, LeavesNothingOpenThatHadArrivedWhenItEnds) {
  start();
  {
    AuditSocket worker = worker_of(client);
    worker.say(RecordKind::kIntent, 1, "{}");
    worker.say(RecordKind::kIntent, 2, "{}");
    while (worker.answer().sequence < 2) {
    }
    worker.say(RecordKind::kOutcome, 1, R"({"outcome":"success"})");
    intake->add_event(client, agent, R"({"actionType":"own"})");
    intake.reset();
  }
  start();
  const auto records = durable();
  ASSERT_EQ(records.size(), 5U);
  std::string outcomes;
  for (std::size_t i = 2; i < records.size(); ++i) outcomes += records[i].json;
  EXPECT_THAT(outcomes, HasSubstr("own"));
  EXPECT_THAT(outcomes, HasSubstr("success"));
  EXPECT_THAT(outcomes, HasSubstr("interrupted"));
}

// ---- The drainer.

TEST_F(AuditIntakeTest, TellsTheDrainerOnceUntilItAsksAgain) {
  start();
  AuditSocket worker = worker_of(client);
  std::uint64_t id = 0;
  const auto write_some = [&] {
    for (int i = 0; i < 10; ++i) {
      worker.say(RecordKind::kIntent, ++id, "{}");
      EXPECT_EQ(worker.answer().refused, Refusal::kNo);
    }
    io.restart();
    io.poll();
  };
  write_some();
  EXPECT_GE(intake->syncs(), 10U);
  EXPECT_EQ(told, 1);
  const auto end = intake->spool().durable_end();
  EXPECT_FALSE(intake->tell_of_more(0)) << "there is more already";
  EXPECT_TRUE(intake->tell_of_more(end));
  write_some();
  EXPECT_EQ(told, 2);
  write_some();
  EXPECT_EQ(told, 2);
}

// Asked at any moment of a sync, either the answer is that there is more or the call comes.
TEST_F(AuditIntakeTest, NoWakeUpIsLost) {
  start();
  AuditSocket worker = worker_of(client);
  int waited = 0;
  for (std::uint64_t id = 1; id <= 400; ++id) {
    const auto before = intake->spool().durable_end();
    worker.say(RecordKind::kIntent, id, "{}");
    const auto then = std::chrono::steady_clock::now() + std::chrono::microseconds(id % 100 * 5);
    while (std::chrono::steady_clock::now() < then) {
    }
    const int heard = told;
    if (intake->tell_of_more(before)) {
      ++waited;
      ASSERT_TRUE(run_until(io, [&] { return told > heard; })) << id;
    }
    EXPECT_EQ(worker.answer().refused, Refusal::kNo);
    EXPECT_GT(intake->spool().durable_end(), before);
  }
  EXPECT_GT(waited, 0);
}

// ---- A worker that was taken over.

TEST_F(AuditIntakeTest, AWorkerSpeaksOfItsClientsAgentsOnly) {
  start();
  AuditSocket worker = worker_of(client);
  const auto foreign = AgentId::random();
  worker.say(RecordKind::kEvent, 0, R"({"target":"forged"})", foreign);
  worker.say(RecordKind::kIntent, 1, R"({"target":"forged"})", foreign);
  EXPECT_EQ(worker.answer().refused, Refusal::kForeignAgent);
  worker.say(RecordKind::kIntent, 2, R"({"target":"forged"})", AgentId{});
  EXPECT_EQ(worker.answer().refused, Refusal::kForeignAgent) << "nor as the system itself";
  worker.say(RecordKind::kIntent, 3, R"({"target":"mine"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  EXPECT_EQ(count("forged"), 0U);
  EXPECT_EQ(count("mine"), 1U);
  EXPECT_EQ(count("none of its client's"), 3U) << "what it tried is told";
  for (const auto& record : durable()) EXPECT_NE(record.agent, foreign);
  // As when the agent had been created meanwhile.
  intake->add_agents(client, {foreign});
  worker.say(RecordKind::kIntent, 4, R"({"target":"its own now"})", foreign);
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
}

TEST_F(AuditIntakeTest, AClientHasABoundedNumberOfOpenIntents) {
  start(64UL << 20);
  AuditSocket worker = worker_of(client);
  const auto open = [&](std::uint64_t from, std::uint64_t to) {
    DurableMessage last;
    std::uint64_t sent = from;
    while (sent < to) {
      const auto until = std::min(sent + 32, to);
      for (; sent < until; ++sent) worker.say(RecordKind::kIntent, sent, "{}");
      do {
        last = worker.answer();
        if (last.refused != Refusal::kNo) return last;
      } while (last.sequence < sent);
    }
    return last;
  };
  EXPECT_EQ(open(0, 8'192).refused, Refusal::kNo);
  worker.say(RecordKind::kIntent, 8'192, "{}");
  EXPECT_EQ(worker.answer().refused, Refusal::kTooManyOpen);
  AuditSocket second = worker_of(client);
  second.say(RecordKind::kIntent, 1, "{}");
  EXPECT_EQ(second.answer().refused, Refusal::kTooManyOpen) << "counted for the client";
  AuditSocket other = worker_of(ClientId::random());
  other.say(RecordKind::kIntent, 1, "{}");
  EXPECT_EQ(other.answer().refused, Refusal::kNo) << "not for all";
  worker.say(RecordKind::kOutcome, 5, "{}");
  worker.say(RecordKind::kIntent, 8'193, "{}");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo) << "one has ended";
}

TEST_F(AuditIntakeTest, AClientCannotFillTheSpoolForTheOthers) {
  start(64UL << 10);
  AuditSocket greedy = worker_of(client);
  const std::string large = R"({"target":")" + std::string(1'000, 'x') + R"("})";
  std::uint64_t taken = 0;
  DurableMessage answer;
  do {
    greedy.say(RecordKind::kIntent, ++taken, large);
    answer = greedy.answer();
  } while (answer.refused == Refusal::kNo);
  EXPECT_EQ(answer.refused, Refusal::kShare);
  EXPECT_GT(taken, 25U) << "about half of the spool is its own";
  EXPECT_LT(taken, 35U);
  EXPECT_TRUE(intake->writable()) << "for everyone else";
  for (int i = 0; i < 2'000; ++i) {
    greedy.say(RecordKind::kEvent, 0, large);
    if (i % 50 > 0) continue;
    greedy.say(RecordKind::kIntent, ++taken, large);
    EXPECT_EQ(greedy.answer().refused, Refusal::kShare);
  }
  AuditSocket modest = worker_of(ClientId::random());
  for (std::uint64_t id = 1; id <= 10; ++id) {
    modest.say(RecordKind::kIntent, id, large);
    EXPECT_EQ(modest.answer().refused, Refusal::kNo) << id;
  }
  // Its own outcomes still go in, or its intents would stay open for ever.
  greedy.say(RecordKind::kOutcome, 1, R"({"outcome":"success","metadata":{"n":"first"}})");
  modest.say(RecordKind::kIntent, 11, "{}");
  EXPECT_EQ(modest.answer().refused, Refusal::kNo);
  EXPECT_TRUE(run_until(io, [&] { return count("first") == 1; }));
  EXPECT_GT(intake->lost(), 0U) << "what is too much even for memory is counted";

  intake->discard_before(intake->spool().durable_end());
  EXPECT_TRUE(run_until(io, [&] { return count("audit_records_lost") > 0; })) << "and told";
}

// A socket that holds more than a worker gets a turn for, all sent before anybody reads.
linux::UniqueFd full_socket(std::uint64_t records, AgentId agent) {
  auto pair = make_packet_pair().value();
  const int room = 64 << 20;
  setsockopt(pair.second.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  for (std::uint64_t id = 1; id <= records; ++id) {
    std::string packet;
    append(packet, {.kind = RecordKind::kIntent, .agent = agent, .id = id, .json = "{}"});
    const auto sent = ::send(pair.second.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
    if (sent < 0) return {};  // needs root
  }
  // What was sent stays to be read.
  return std::move(pair.first);
}

TEST_F(AuditIntakeTest, AWorkerThatSendsALotHasItsTurnAndThenAnothers) {
  start();
  auto pair = make_packet_pair().value();
  PacketChannel worker(io.get_executor(), std::move(pair.second));
  for (std::uint64_t id = 1; id <= 150; ++id) {
    std::string packet;
    append(packet, {.kind = RecordKind::kIntent, .agent = agent, .id = id, .json = "{}"});
    ASSERT_TRUE(worker.send(packet));
  }
  intake->add_agents(client, {agent});
  intake->add_worker(std::move(pair.first), client);
  const auto first = net::testing::run_task(io, worker.receive());
  ASSERT_TRUE(first);
  EXPECT_EQ(read_durable(first->bytes)->sequence, 64U)
      << "answered, and others served, before the rest is looked at";
}

TEST_F(AuditIntakeTest, AStopReadsABoundedNumberOfLastRecords) {
  constexpr std::uint64_t kSent = 6'000;
  auto socket = full_socket(kSent, agent);
  if (!socket.valid()) GTEST_SKIP() << "so large a socket needs root";
  start();
  // The stop is asked for while the first of them are made durable.
  sync_takes = std::chrono::milliseconds(200);
  intake->add_agents(client, {agent});
  intake->add_worker(std::move(socket), client);
  intake.reset();
  sync_takes = std::chrono::milliseconds(0);
  start();
  const auto intents = std::ranges::count(durable(), RecordKind::kIntent, &SpoolRecord::kind);
  EXPECT_GE(intents, 1'024);
  EXPECT_LT(intents, 3'000) << "not all of them";
  EXPECT_EQ(std::ranges::count(durable(), RecordKind::kOutcome, &SpoolRecord::kind), intents)
      << "each ended";
}

TEST(LogLimiter, LetsABurstThroughAndThenCounts) {
  LogLimiter limiter;
  const auto now = LogLimiter::Clock::now();
  int admitted = 0;
  for (int i = 0; i < 1'000; ++i) admitted += limiter.admit(now).has_value() ? 1 : 0;
  EXPECT_EQ(admitted, LogLimiter::kBurst);
  EXPECT_EQ(limiter.admit(now + std::chrono::seconds(10)), 980U);
  EXPECT_EQ(limiter.admit(now + std::chrono::seconds(10)), std::nullopt);
}

}  // namespace
}  // namespace deployclaw::egress
