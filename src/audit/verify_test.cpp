#include "audit/verify.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace deployclaw::audit {
namespace {

std::vector<Record> chain_of(ClientId client, int length) {
  std::vector<Record> out;
  Hash prev{};
  for (int i = 1; i <= length; ++i) {
    Record record{.client = client,
                  .seq = i,
                  .created_at = Time(std::chrono::seconds(1'750'000'000 + i)),
                  .actor_type = "user",
                  .action_type = "probe",
                  .target = "target " + std::to_string(i),
                  .outcome = "success",
                  .metadata = "{}",
                  .prev_hash = prev};
    record.hash = prev = record_hash(record);
    out.push_back(record);
  }
  return out;
}

// What someone with write access to the table could do to hide an edit: hash the record anew.
void rehash(Record& record) { record.hash = record_hash(record); }

class VerifyTest : public ::testing::Test {
 protected:
  ClientId client = ClientId::random();
  std::vector<Record> records = chain_of(client, 10);
};

TEST_F(VerifyTest, AnUntouchedChainHolds) {
  const auto report = verify(records);
  EXPECT_TRUE(report.holds());
  ASSERT_EQ(report.chains.size(), 1U);
  EXPECT_EQ(report.chains[0].last_seq, 10);
  EXPECT_EQ(report.chains[0].last_hash, records.back().hash);
}

TEST_F(VerifyTest, NothingAtAllHoldsUnlessAnAnchorSaysOtherwise) {
  EXPECT_TRUE(verify({}).holds());
  const Anchor anchor{client, 3, records[2].hash};
  EXPECT_FALSE(verify({}, std::span(&anchor, 1)).holds());
}

TEST_F(VerifyTest, FindsAnEditOfAnyField) {
  const std::vector<void (*)(Record&)> edits = {
      [](Record& r) { r.target = "other"; },
      [](Record& r) { r.target = std::nullopt; },
      [](Record& r) { r.target = ""; },
      [](Record& r) { r.agent = AgentId::random(); },
      [](Record& r) { r.actor_type = "system"; },
      [](Record& r) { r.actor_id = "x"; },
      [](Record& r) { r.action_type += "x"; },
      [](Record& r) { r.outcome = "denied"; },
      [](Record& r) { r.metadata = "{ }"; },
      [](Record& r) { r.ip = "192.0.2.1"; },
      [](Record& r) { r.created_at += std::chrono::microseconds(1); },
      [](Record& r) { r.hash[0] ^= 1; },
  };
  for (std::size_t i = 0; i < edits.size(); ++i) {
    auto edited = records;
    edits[i](edited[4]);
    EXPECT_FALSE(verify(edited).holds()) << i;
    rehash(edited[4]);
    if (i + 1 < edits.size()) {
      EXPECT_FALSE(verify(edited).holds()) << i << ", hashed anew";
    }
  }
}

TEST_F(VerifyTest, FindsADeletedRecord) {
  records.erase(records.begin() + 4);
  EXPECT_FALSE(verify(records).holds());
}

TEST_F(VerifyTest, FindsADeletedRecordThoughTheRestIsRenumbered) {
  records.erase(records.begin() + 4);
  for (std::size_t i = 4; i < records.size(); ++i) {
    records[i].seq = static_cast<std::int64_t>(i) + 1;
    rehash(records[i]);
  }
  EXPECT_FALSE(verify(records).holds());
}

TEST_F(VerifyTest, FindsAnInsertedRecord) {
  auto inserted = records[4];
  inserted.target = "forged";
  inserted.prev_hash = records[4].hash;
  rehash(inserted);
  records.insert(records.begin() + 5, inserted);
  EXPECT_FALSE(verify(records).holds());
}

TEST_F(VerifyTest, FindsTwoRecordsInEachOthersPlace) {
  std::swap(records[3], records[4]);
  EXPECT_FALSE(verify(records).holds());
}

TEST_F(VerifyTest, FindsARecordMovedToAnotherClient) {
  auto others = chain_of(ClientId::random(), 3);
  auto moved = records[3];
  moved.client = others[0].client;
  others.push_back(moved);
  EXPECT_FALSE(verify(others).holds());
}

TEST_F(VerifyTest, FindsTruncationOnlyByAnAnchor) {
  const Anchor anchor{client, 10, records.back().hash};
  records.resize(7);
  EXPECT_TRUE(verify(records).holds());
  const auto report = verify(records, std::span(&anchor, 1));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].seq, 10);
}

TEST_F(VerifyTest, FindsAHistoryThatWasWrittenAnew) {
  const Anchor anchor{client, 6, records[5].hash};
  Hash prev{};
  for (auto& record : records) {
    if (record.seq == 2) record.target = "a better story";
    record.prev_hash = prev;
    rehash(record);
    prev = record.hash;
  }
  EXPECT_TRUE(verify(records).holds()) << "the chain alone cannot tell";
  EXPECT_FALSE(verify(records, std::span(&anchor, 1)).holds());
}

TEST_F(VerifyTest, APrunedChainHoldsWithTheAnchorOfItsLastPrunedRecord) {
  const Anchor anchor{client, 4, records[3].hash};
  const Anchor wrong{client, 4, records[2].hash};
  records.erase(records.begin(), records.begin() + 4);
  EXPECT_FALSE(verify(records).holds());
  EXPECT_TRUE(verify(records, std::span(&anchor, 1)).holds());
  EXPECT_FALSE(verify(records, std::span(&wrong, 1)).holds());
}

TEST_F(VerifyTest, ClientsMayBeMixed) {
  const auto others = chain_of(ClientId::random(), 5);
  std::vector<Record> mixed;
  for (std::size_t i = 0; i < 10; ++i) {
    mixed.push_back(records[i]);
    if (i < 5) mixed.push_back(others[i]);
  }
  const auto report = verify(mixed);
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.chains.size(), 2U);
}

TEST(RecordLine, RefusesWhatItWouldNotWrite) {
  const auto line = format_line(chain_of(ClientId::random(), 1)[0]);
  EXPECT_TRUE(parse_line(line));
  EXPECT_FALSE(parse_line("{}"));
  EXPECT_FALSE(parse_line("[1]"));
  EXPECT_FALSE(parse_line(line.substr(0, line.size() - 1)));
  EXPECT_FALSE(parse_line(line.substr(0, line.size() - 1) + R"(,"more":1})"));
  for (const char* member : {"clientId", "seq", "createdAt", "actorType", "metadata", "hash"}) {
    auto broken = line;
    broken.replace(broken.find(std::string("\"") + member + "\""), std::string(member).size() + 2,
                   "\"wrong\"");
    EXPECT_FALSE(parse_line(broken)) << member;
  }
}

RC_GTEST_PROP(RecordLine, ReadsBackWhatItWrote, (std::string target, std::string actor)) {
  // Export lines are JSON: anything that is not UTF-8 never comes out of the database.
  const auto ascii = [](std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    return text;
  };
  auto record = chain_of(ClientId::random(), 1)[0];
  record.target = ascii(target);
  record.actor_id = ascii(actor);
  record.created_at += std::chrono::microseconds(*rc::gen::inRange(0, 1'000'000));
  record.hash = record_hash(record);
  const auto again = parse_line(format_line(record));
  RC_ASSERT(again.has_value());
  RC_ASSERT(record_hash(*again) == record.hash);
  RC_ASSERT(again->target == record.target);
}

}  // namespace
}  // namespace deployclaw::audit
