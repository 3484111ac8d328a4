#include "egress/audit_intake.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <ranges>
#include <thread>

#include "egress/log_limiter.hpp"
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
  void start(std::uint64_t most_bytes = kRoomy, const std::string& folder = {}) {
    auto spool = Spool::open(folder.empty() ? directory.path() : folder, most_bytes, 1ULL << 24,
                             [this](int fd) {
                               std::this_thread::sleep_for(sync_takes.load());
                               return failing_syncs > 0 ? fail_sync() : fsync(fd);
                             });
    ASSERT_TRUE(spool);
    intake =
        std::make_unique<AuditIntake>(std::move(*spool), io.get_executor(), [this] { ++told; });
  }
  int fail_sync() {
    --failing_syncs;
    errno = EIO;
    return -1;
  }

  AuditSocket worker_of(ClientId owner) {
    AuditSocket socket(io, agent);
    intake->add_agents(owner, {agent});
    intake->add_worker(socket.other_end(), owner);
    return socket;
  }

  std::vector<SpoolRecord> durable() {
    std::vector<SpoolRecord> records;
    auto& spool = intake->spool();
    for (auto at = spool.begin(); at < spool.durable_end();) {
      auto stretch = spool.read(at, 64UL << 20);
      if (!stretch) throw std::runtime_error(stretch.error().message);
      at = stretch->end;
      std::ranges::copy_if(stretch->records, std::back_inserter(records),
                           [](const auto& one) { return one.kind != RecordKind::kOpen; });
    }
    return records;
  }
  std::size_t count(std::string_view part) {
    return static_cast<std::size_t>(
        std::ranges::count_if(durable(), [&](const auto& one) { return one.json.contains(part); }));
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
  std::atomic<int> failing_syncs = 0;
  std::atomic<std::chrono::milliseconds> sync_takes{};
  std::unique_ptr<AuditIntake> intake;
};

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

// ---- A disk that fails.

// The kernel may have dropped the pages, and says so once: a later success is no success.
TEST_F(AuditIntakeTest, WhatAFailedSyncLeftInDoubtIsRefusedAndEverythingElseIsWrittenAgain) {
  start();
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 1, R"({"target":"before"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  failing_syncs = 1;
  worker.say(RecordKind::kOutcome, 1, R"({"outcome":"success","target":"outcome"})");
  worker.say(RecordKind::kEvent, 0, R"({"target":"event"})");
  worker.say(RecordKind::kIntent, 2, R"({"target":"doubtful"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kUnwritable);
  EXPECT_FALSE(intake->writable());
  worker.say(RecordKind::kIntent, 3, R"({"target":"after"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  EXPECT_TRUE(intake->writable());
  EXPECT_TRUE(run_until(io, [&] { return count("\"outcome\"") + count("\"event\"") == 2; }));
  EXPECT_EQ(count("before"), 1U);
  EXPECT_EQ(count("doubtful"), 0U) << "refused, so it is nowhere";
  worker.close();
  run_until(io, [&] { return count("interrupted") == 1; });
  EXPECT_EQ(count("interrupted"), 1U) << "only the last one was open";
}

TEST_F(AuditIntakeTest, AFailedSyncOfWhatNobodyWaitedForLosesNothing) {
  start();
  AuditSocket worker = worker_of(client);
  failing_syncs = 1;
  worker.say(RecordKind::kEvent, 0, R"({"target":"event"})");
  EXPECT_TRUE(run_until(io, [&] { return count("event") == 1; }));
  EXPECT_EQ(failing_syncs, 0);
}

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    mounted_ = mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=256k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

  // Takes all the room there is, or gives it back.
  void fill() const {
    std::ofstream file(path_ + "/other");
    const std::string block(4'096, 'x');
    while (file.write(block.data(), 4'096).flush()) {
    }
  }
  void free() const { std::filesystem::remove(path_ + "/other"); }

 private:
  const std::string path_;
  bool mounted_ = false;
};

TEST_F(AuditIntakeTest, AFullDiskRefusesAndHealsWhenThereIsRoomAndNothingIsLost) {
  const auto folder = directory.file("disk");
  std::filesystem::create_directory(folder);
  const SmallDisk disk(folder);
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  start(kRoomy, folder);
  AuditSocket worker = worker_of(client);
  worker.say(RecordKind::kIntent, 1, R"({"target":"first"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  disk.fill();
  const std::string filling = R"({"target":"filling )" + std::string(8'000, 'x') + R"("})";
  std::uint64_t id = 1;
  DurableMessage answer;
  while (answer.refused == Refusal::kNo) {
    worker.say(RecordKind::kIntent, ++id, filling);
    answer = worker.answer();
  }
  EXPECT_EQ(answer.refused, Refusal::kUnwritable);
  EXPECT_FALSE(intake->writable());
  worker.say(RecordKind::kOutcome, 1, R"({"outcome":"success","metadata":{"a":"the outcome"}})");
  for (int i = 0; i < 20; ++i) worker.say(RecordKind::kEvent, 0, filling);
  worker.say(RecordKind::kIntent, ++id, filling);
  EXPECT_EQ(worker.answer().refused, Refusal::kUnwritable);
  disk.free();
  EXPECT_TRUE(run_until(io, [&] { return count("the outcome") == 1; })) << "without anybody asking";
  EXPECT_TRUE(run_until(io, [&] { return intake->writable(); }));
  worker.say(RecordKind::kIntent, ++id, R"({"target":"last"})");
  EXPECT_EQ(worker.answer().refused, Refusal::kNo);
  const auto events = [&] {
    return std::ranges::count(durable(), RecordKind::kEvent, &SpoolRecord::kind);
  };
  EXPECT_TRUE(run_until(io, [&] { return events() == 20; })) << events();
  EXPECT_EQ(intake->lost(), 0U);
}

// ---- A process that was killed.

TEST_F(AuditIntakeTest, IntentsOfALifeThatWasKilledEndAsInterrupted) {
  {
    auto spool = Spool::open(directory.path(), kRoomy).value();
    const auto record = [&](RecordKind kind, std::uint64_t id) {
      return SpoolRecord{
          .kind = kind, .client = client, .agent = agent, .worker = 77, .id = id, .json = "{}"};
    };
    ASSERT_TRUE(spool->append({record(RecordKind::kIntent, 1), record(RecordKind::kIntent, 2),
                               record(RecordKind::kOutcome, 1)}));
    ASSERT_TRUE(spool->sync());
  }
  start();
  ASSERT_TRUE(run_until(io, [&] { return durable().size() == 4; }));
  const auto last = durable().back();
  EXPECT_EQ(last.kind, RecordKind::kOutcome);
  EXPECT_EQ(last.id, 2U);
  EXPECT_EQ(last.worker, 77U);
  EXPECT_EQ(last.client, client);
  EXPECT_EQ(last.agent, agent);
  EXPECT_THAT(last.json, HasSubstr("interrupted: the gateway ended"));
  intake.reset();
  start();
  intake.reset();
  start();
  EXPECT_EQ(durable().size(), 4U) << "once";
}

}  // namespace
}  // namespace deployclaw::egress
