#include "egress/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "egress/audit_drain.hpp"

namespace deployclaw::egress {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() : directory_(fs::temp_directory_path() / AgentId::random().to_string()) {
    fs::create_directory(directory_);
  }
  ~SpoolTest() override { fs::remove_all(directory_); }

  std::unique_ptr<Spool> open(std::uint64_t most = 1 << 20, std::uint64_t segment = 1 << 16) {
    auto spool = Spool::open(directory_.string(), most, segment, [this](int fd) {
      if (syncs_fail_) errno = EIO;
      return syncs_fail_ ? -1 : fdatasync(fd);
    });
    EXPECT_TRUE(spool) << spool.error().message;
    return std::move(*spool);
  }

  static SpoolRecord record(std::uint64_t id, std::string json = "{}",
                            RecordKind kind = RecordKind::kEvent) {
    return {.kind = kind,
            .client = ClientId::random(),
            .agent = AgentId::random(),
            .worker = 7,
            .id = id,
            .json = std::move(json)};
  }

  fs::path only_segment() {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.path().extension() == ".spool") return entry.path();
    }
    return {};
  }

  // Everything that can be read, over whatever cannot; the ids, and 0 for a loss.
  static std::vector<std::uint64_t> ids(Spool& spool, std::size_t step = 1 << 16) {
    std::vector<std::uint64_t> out;
    std::uint64_t position = spool.begin();
    while (position < spool.durable_end()) {
      const auto stretch = spool.read(position, step);
      if (!stretch || stretch->end <= position) throw std::runtime_error("the reader is stuck");
      if (stretch->lost > 0) out.push_back(0);
      for (const auto& one : stretch->records) {
        if (one.kind != RecordKind::kOpen) out.push_back(one.id);
      }
      position = stretch->end;
    }
    return out;
  }
  static void overwrite(const fs::path& path, std::uint64_t at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::size_t files(const std::string& extension) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        fs::directory_iterator(directory_),
        [&](const auto& entry) { return entry.path().extension() == extension; }));
  }

  fs::path directory_;
  bool syncs_fail_ = false;
};

TEST_F(SpoolTest, GivesBackWhatWasAppendedOnceItIsDurable) {
  auto spool = open();
  const auto first = record(1, R"({"a":1})");
  ASSERT_TRUE(spool->append({first, record(2)}));
  EXPECT_TRUE(spool->read(0, 1 << 16)->records.empty()) << "not durable yet";
  ASSERT_TRUE(spool->sync());
  const auto stretch = spool->read(0, 1 << 16);
  ASSERT_TRUE(stretch);
  ASSERT_EQ(stretch->records.size(), 2U);
  EXPECT_EQ(stretch->records[0].client, first.client);
  EXPECT_EQ(stretch->records[0].agent, first.agent);
  EXPECT_EQ(stretch->records[0].json, first.json);
  EXPECT_EQ(stretch->end, spool->durable_end());
  EXPECT_TRUE(spool->read(stretch->end, 1 << 16)->records.empty());
}

TEST_F(SpoolTest, KeepsItsNameAndRecordsWhenOpenedAgain) {
  std::string name;
  std::uint64_t end = 0;
  {
    auto spool = open();
    name = spool->name();
    ASSERT_TRUE(spool->append({record(1)}));
    ASSERT_TRUE(spool->sync());
    end = spool->durable_end();
  }
  auto again = open();
  EXPECT_EQ(again->name(), name);
  EXPECT_EQ(again->durable_end(), end);
  EXPECT_EQ(again->read(0, 1 << 16)->records.size(), 1U);
}

TEST_F(SpoolTest, CutsATornEndOffHoweverLittleOfItIsThere) {
  {
    auto spool = open();
    ASSERT_TRUE(spool->append({record(1), record(2)}));
    ASSERT_TRUE(spool->sync());
  }
  const auto whole = 2 * size_of(record(1));
  std::string one;
  append_record(one, record(3));
  for (const bool room : {true, false}) {  // none: as former versions left it
    if (!room) fs::resize_file(only_segment(), whole);
    for (std::size_t part = 1; part < one.size(); part += 7) {
      if (!room) fs::resize_file(only_segment(), whole + part);
      overwrite(only_segment(), whole, one.substr(0, part));
      auto spool = open();
      EXPECT_EQ(spool->durable_end(), whole) << part;
      EXPECT_EQ(spool->read(0, 1 << 16)->records.size(), 2U);
      EXPECT_TRUE(room || spool->lost_at_open() == 0) << part;
    }
  }
}

// ---- Damage.

TEST_F(SpoolTest, StepsOverARecordThatWasChanged) {
  auto spool = open();
  const std::string text(40, 'x');
  ASSERT_TRUE(spool->append({record(1, text), record(2, text), record(3, text), record(4, text)}));
  ASSERT_TRUE(spool->sync());
  const auto size = size_of(record(1, text));
  overwrite(only_segment(), 1 * size + 70, "changed");
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 0, 3, 4}));
  const auto damaged = spool->read(size, 1 << 16);
  EXPECT_EQ(damaged->lost, size) << "it tells how much";
  EXPECT_TRUE(damaged->records.empty());
  overwrite(only_segment(), 2 * size + 70, "changed");
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 0, 4})) << "two in a row";
  overwrite(only_segment(), 0, "changed");
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{0})) << "no length leads on";
}

TEST_F(SpoolTest, IsReadOnBehindASegmentThatCannotBe) {
  auto spool = open(1 << 20, 256);
  for (std::uint64_t id = 1; id <= 12; ++id) ASSERT_TRUE(spool->append({record(id)}));
  ASSERT_TRUE(spool->sync());
  const auto whole = ids(*spool);
  ASSERT_EQ(whole.size(), 12U);
  ASSERT_GT(files(".spool"), 2U);
  const auto first = directory_ / "0000000000000000.spool";
  const auto in_first = fs::file_size(first) / size_of(record(1));
  std::vector<std::uint64_t> wanted{0};
  wanted.insert(wanted.end(), whole.begin() + static_cast<std::ptrdiff_t>(in_first), whole.end());

  overwrite(first, 0, std::string(fs::file_size(first), '\0'));
  EXPECT_EQ(ids(*spool), wanted) << "zeros";
  EXPECT_TRUE(spool->keep_aside(0));
  EXPECT_TRUE(spool->keep_aside(0)) << "again";
  EXPECT_EQ(files(".corrupt"), 1U);
  fs::resize_file(first, 10);
  EXPECT_EQ(ids(*spool), wanted) << "cut short";
  fs::remove(first);
  EXPECT_EQ(ids(*spool), wanted) << "gone";
  EXPECT_EQ(ids(*open(1 << 20, 256)), std::vector(wanted.begin() + 1, wanted.end()))
      << "opened again it is as if it never had been";
}

// An agent chooses what stands in a record. Behind damage its text must not be taken for records.
TEST_F(SpoolTest, NeverTakesARecordOutOfAnothersText) {
  std::string forged;
  append_record(forged, record(666, R"({"target":"forged"})"));
  auto spool = open();
  ASSERT_TRUE(spool->append({record(1, forged), record(2)}));
  ASSERT_TRUE(spool->sync());
  overwrite(only_segment(), 0, std::string(4, '\xff'));
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{0}));
  spool.reset();
  spool = open();
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{}));
}

TEST_F(SpoolTest, DamageDoesNotTakeWhatIsBehindItWhenOpened) {
  const std::string text(40, 'x');
  const auto size = size_of(record(1, text));
  {
    auto spool = open();
    ASSERT_TRUE(spool->append({record(1, text), record(2, text), record(3, text)}));
    ASSERT_TRUE(spool->sync());
  }
  overwrite(only_segment(), size + 70, "changed");
  {
    auto spool = open();
    EXPECT_EQ(spool->lost_at_open(), 0U) << "that is the reader's to tell";
    EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 0, 3}));
  }
  overwrite(only_segment(), 2 * size + 70, "changed");
  auto spool = open();
  EXPECT_EQ(spool->lost_at_open(), 2 * size) << "it was whole once: no torn end";
  EXPECT_EQ(files(".corrupt"), 1U);
  ASSERT_TRUE(spool->append({record(4, text)}));
  ASSERT_TRUE(spool->sync());
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 4}));
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 4}));
}

TEST_F(SpoolTest, KeepsABoundedNumberOfDamagedSegmentsAside) {
  auto spool = open(1 << 20, 1);
  for (std::uint64_t id = 1; id <= 12; ++id) ASSERT_TRUE(spool->append({record(id)}));
  ASSERT_TRUE(spool->sync());
  std::size_t kept = 0;
  for (std::uint64_t at = 0; at < spool->durable_end(); at += size_of(record(1))) {
    kept += spool->keep_aside(at) ? 1U : 0U;
  }
  EXPECT_EQ(kept, 8U);
  spool->discard_before(spool->durable_end());
  EXPECT_EQ(files(".corrupt"), 8U) << "beyond the segment itself";
}

// ---- A sync that fails.

TEST_F(SpoolTest, GivesASegmentUpBehindWhatWasDurable) {
  auto spool = open();
  ASSERT_TRUE(spool->append({record(1)}));
  ASSERT_TRUE(spool->sync());
  const auto durable = spool->durable_end();
  ASSERT_TRUE(spool->append({record(2)}));
  syncs_fail_ = true;
  EXPECT_FALSE(spool->sync());
  EXPECT_EQ(spool->durable_end(), durable);
  EXPECT_FALSE(spool->append({record(3)})) << "a new segment has to be durable too";
  syncs_fail_ = false;
  EXPECT_TRUE(spool->sync());
  EXPECT_EQ(spool->durable_end(), durable) << "a later success says nothing about what was before";
  ASSERT_TRUE(spool->append({record(4)}));
  ASSERT_TRUE(spool->sync());
  EXPECT_EQ(files(".spool"), 2U);
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 4}));
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 4})) << "also when opened again";
}

TEST_F(SpoolTest, GivesUpASegmentWithNothingDurableInIt) {
  auto spool = open();
  ASSERT_TRUE(spool->append({record(1)}));
  syncs_fail_ = true;
  EXPECT_FALSE(spool->sync());
  syncs_fail_ = false;
  ASSERT_TRUE(spool->append({record(2)}));
  ASSERT_TRUE(spool->sync());
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{2}));
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{2}));
}

// ---- A life that was killed.

TEST_F(SpoolTest, KnowsWhichIntentsWereOpenHoweverManySegmentsAreGone) {
  auto spool = open(1 << 20, 256);
  const auto intent = record(1, "{}", RecordKind::kIntent);
  auto ended = record(2, "{}", RecordKind::kIntent);
  ASSERT_TRUE(spool->append({intent, ended}));
  ended.kind = RecordKind::kOutcome;
  ASSERT_TRUE(spool->append({ended}));
  for (std::uint64_t id = 10; id <= 40; ++id) ASSERT_TRUE(spool->append({record(id)}));
  ASSERT_TRUE(spool->sync());
  spool->discard_before(spool->durable_end());
  ASSERT_EQ(files(".spool"), 1U);
  spool.reset();
  spool = open(1 << 20, 256);
  ASSERT_EQ(spool->left_open().size(), 1U);
  const auto left = spool->left_open()[0];
  EXPECT_EQ(left.id, 1U);
  EXPECT_EQ(left.client, intent.client);
  EXPECT_EQ(left.agent, intent.agent);
  EXPECT_EQ(left.worker, intent.worker);
  ASSERT_TRUE(spool->append({left.ended("{}")}));
  ASSERT_TRUE(spool->sync());
  spool.reset();
  EXPECT_TRUE(open(1 << 20, 256)->left_open().empty());
}

TEST_F(SpoolTest, WhatAFailedSyncTookAwayOpensAndEndsNothing) {
  auto spool = open();
  const auto first = record(1, "{}", RecordKind::kIntent);
  ASSERT_TRUE(spool->append({first}));
  ASSERT_TRUE(spool->sync());
  auto outcome = first;
  outcome.kind = RecordKind::kOutcome;
  ASSERT_TRUE(spool->append({outcome, record(2, "{}", RecordKind::kIntent)}));
  syncs_fail_ = true;
  EXPECT_FALSE(spool->sync());
  ASSERT_EQ(spool->left_open().size(), 1U);
  EXPECT_EQ(spool->left_open()[0].id, 1U);
}

TEST_F(SpoolTest, TakesNoMoreThanItMayAndGoesOnWhenTheDatabaseHasSome) {
  auto spool = open(/*most=*/4096, /*segment=*/1024);
  std::uint64_t id = 0;
  while (spool->append({record(++id, std::string(200, ' '))})) {
  }
  const auto one_more = record(id, std::string(200, ' '));
  EXPECT_EQ(spool->append({one_more}).error().code, Code::kTooLarge);
  ASSERT_TRUE(spool->sync());
  const auto segments = [&] {
    return std::distance(fs::directory_iterator(directory_), fs::directory_iterator{});
  };
  const auto before = segments();
  spool->discard_before(2048);
  EXPECT_LT(segments(), before);
  EXPECT_TRUE(spool->append({one_more}));
}

TEST_F(SpoolTest, ReadsOverTheBordersOfSegments) {
  auto spool = open(1 << 20, 512);
  for (std::uint64_t id = 1; id <= 50; ++id) {
    ASSERT_TRUE(spool->append({record(id)}));
  }
  ASSERT_TRUE(spool->sync());
  std::uint64_t position = 0;
  std::uint64_t expected = 0;
  while (position < spool->durable_end()) {
    const auto stretch = spool->read(position, 200);
    ASSERT_TRUE(stretch) << stretch.error().message;
    for (const auto& one : stretch->records) EXPECT_EQ(one.id, ++expected);
    position = stretch->end;
  }
  EXPECT_EQ(expected, 50U);
}

TEST(PairUp, MakesOneEventOfAnIntentAndItsOutcome) {
  const auto client = ClientId::random();
  const auto agent = AgentId::random();
  const auto make = [&](RecordKind kind, std::uint64_t worker, std::uint64_t id, std::string json) {
    return SpoolRecord{.kind = kind,
                       .client = client,
                       .agent = agent,
                       .worker = worker,
                       .id = id,
                       .json = std::move(json)};
  };
  const auto events =
      pair_up({make(RecordKind::kIntent, 1, 1, "i1"), make(RecordKind::kIntent, 1, 2, "i2"),
               make(RecordKind::kOutcome, 2, 1, "another worker's"),
               make(RecordKind::kOutcome, 1, 1, "o1"), make(RecordKind::kEvent, 1, 0, "e")});
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].intent, "i1");
  EXPECT_EQ(events[0].outcome, "o1");
  EXPECT_EQ(events[1].intent, "i2");
  EXPECT_THAT(events[1].outcome, ::testing::HasSubstr("pending"));
  EXPECT_EQ(events[2].outcome, "another worker's");
  EXPECT_EQ(events[3].outcome, "e");
}

}  // namespace
}  // namespace deployclaw::egress
