#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "egress/audit_intake.hpp"
#include "egress/testing/audit_intake_rig.hpp"

namespace deployclaw::egress {
namespace {

using net::testing::run_until;
using testing::AuditSocket;
using ::testing::HasSubstr;

// When the disk fails, is full, or the process is killed.
class AuditIntakeDiskTest : public testing::AuditIntakeRig {};

// The kernel may have dropped the pages, and says so once: a later success is no success.
TEST_F(AuditIntakeDiskTest, WhatAFailedSyncLeftInDoubtIsRefusedAndEverythingElseIsWrittenAgain) {
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

TEST_F(AuditIntakeDiskTest, AFailedSyncOfWhatNobodyWaitedForLosesNothing) {
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

TEST_F(AuditIntakeDiskTest, AFullDiskRefusesAndHealsWhenThereIsRoomAndNothingIsLost) {
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

TEST_F(AuditIntakeDiskTest, IntentsOfALifeThatWasKilledEndAsInterrupted) {
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
