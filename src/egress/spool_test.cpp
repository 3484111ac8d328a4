#include "egress/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    auto spool = Spool::open(directory_.string(), most, segment);
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

  fs::path directory_;
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
  const auto whole = fs::file_size(only_segment());
  std::string one;
  append_record(one, record(3));
  for (std::size_t part = 1; part < one.size(); part += 7) {
    {
      std::ofstream file(only_segment(), std::ios::app | std::ios::binary);
      file.write(one.data(), static_cast<std::streamsize>(part));
    }
    auto spool = open();
    EXPECT_EQ(spool->durable_end(), whole) << part;
    EXPECT_EQ(spool->read(0, 1 << 16)->records.size(), 2U);
  }
}

TEST_F(SpoolTest, NoticesAChangedByte) {
  {
    auto spool = open();
    ASSERT_TRUE(spool->append({record(1, R"({"target":"a.example.com"})")}));
    ASSERT_TRUE(spool->sync());
    std::fstream file(only_segment(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(70);
    file.put('b');
    file.close();
    EXPECT_EQ(spool->read(0, 1 << 16).error().code, Code::kCorrupt);
  }
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
  EXPECT_EQ(events[1].outcome, "") << "still pending";
  EXPECT_EQ(events[2].outcome, "another worker's");
  EXPECT_EQ(events[3].outcome, "e");
}

}  // namespace
}  // namespace deployclaw::egress
