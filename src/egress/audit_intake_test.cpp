#include "egress/audit_intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "egress/testing/audit_socket.hpp"
#include "net/testing/raw_client.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using net::testing::run_until;
using testing::AuditSocket;
using ::testing::HasSubstr;

constexpr std::uint64_t kRoomy = 1ULL << 20;

class AuditIntakeTest : public ::testing::Test {
 protected:
  void start(std::uint64_t most_bytes = kRoomy) {
    auto spool = Spool::open(directory.path(), most_bytes);
    ASSERT_TRUE(spool);
    intake =
        std::make_unique<AuditIntake>(std::move(*spool), io.get_executor(), [this] { ++told; });
  }

  AuditSocket worker_of(ClientId owner) {
    AuditSocket socket(io);
    intake->add_worker(socket.other_end(), owner);
    return socket;
  }

  std::vector<SpoolRecord> durable() {
    auto stretch = intake->spool().read(0, kRoomy);
    if (!stretch) throw std::runtime_error(stretch.error().message);
    return std::move(stretch->records);
  }

  // Waits until `count` records are durable.
  std::vector<SpoolRecord> durable(std::size_t count) {
    run_until(io, [&] { return durable().size() >= count; });
    return durable();
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  asio::io_context io;
  vault::TemporaryDirectory directory;
  int told = 0;
  std::unique_ptr<AuditIntake> intake;
};

TEST_F(AuditIntakeTest, AnswersAnIntentOnceItIsDurable) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 5, R"({"target":"t"})", agent);
  const auto answer = worker.answer();
  EXPECT_EQ(answer.sequence, 1U);
  EXPECT_EQ(answer.refused, 0);
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
  EXPECT_EQ(refused.refused, 1);
  EXPECT_FALSE(intake->writable());
  EXPECT_TRUE(durable().empty());
  worker.say(RecordKind::kIntent, 2, "{}");
  const auto taken = worker.answer();
  EXPECT_EQ(taken.sequence, 2U);
  EXPECT_EQ(taken.refused, 0);
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
  EXPECT_EQ(worker.answer().refused, 0);
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

}  // namespace
}  // namespace deployclaw::egress
