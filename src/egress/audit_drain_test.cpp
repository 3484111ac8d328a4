#include "egress/audit_drain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deployclaw::egress {
namespace {

const ClientId kOne = ClientId::random();
const ClientId kTwo = ClientId::random();
constexpr auto kIntent = RecordKind::kIntent;
constexpr auto kOutcome = RecordKind::kOutcome;
constexpr auto kEvent = RecordKind::kEvent;

SpoolRecord record(RecordKind kind, std::uint64_t id, std::string json, std::uint64_t worker = 1,
                   ClientId client = kOne) {
  return {.kind = kind,
          .client = client,
          .agent = {},
          .worker = worker,
          .id = id,
          .json = std::move(json)};
}

// What puts two records of one intent together.
const std::string kPending = R"({"outcome":"pending","metadata":{"intent":"0000000000000001-1"}})";
const std::string kEarlier = R"({"metadata":{"intent":"0000000000000001-1"}})";
const std::string kEarlierOf2 = R"({"metadata":{"intent":"0000000000000002-1"}})";

using Pair = std::pair<std::string, std::string>;

// {intent, outcome} of each event.
std::vector<Pair> paired(std::vector<SpoolRecord> records) {
  std::vector<Pair> out;
  for (auto& event : pair_up(std::move(records))) out.emplace_back(event.intent, event.outcome);
  return out;
}

TEST(PairUp, PutsAnIntentTogetherWithItsOutcome) {
  struct Row {
    const char* what;
    std::vector<SpoolRecord> records;
    std::vector<Pair> events;
  };
  const std::vector<Row> table{
      {"nothing", {}, {}},
      {"both", {record(kIntent, 1, "i"), record(kOutcome, 1, "o")}, {{"i", "o"}}},
      {"an intent alone", {record(kIntent, 1, "i")}, {{"i", kPending}}},
      {"an outcome of an earlier stretch", {record(kOutcome, 1, "o")}, {{kEarlier, "o"}}},
      {"an event", {record(kEvent, 0, "e")}, {{"{}", "e"}}},
      {"an event with an intent's id",
       {record(kIntent, 1, "i"), record(kEvent, 1, "e"), record(kOutcome, 1, "o")},
       {{"i", "o"}, {"{}", "e"}}},
      {"in the order of the intents",
       {record(kIntent, 1, "i1"), record(kIntent, 2, "i2"), record(kOutcome, 2, "o2"),
        record(kOutcome, 1, "o1")},
       {{"i1", "o1"}, {"i2", "o2"}}},
      {"a second outcome stands alone",
       {record(kIntent, 1, "i"), record(kOutcome, 1, "o"), record(kOutcome, 1, "again")},
       {{"i", "o"}, {kEarlier, "again"}}},
      {"an id told twice",
       {record(kIntent, 1, "i"), record(kIntent, 1, "again"), record(kOutcome, 1, "o")},
       {{"i", kPending}, {"again", "o"}}},
      {"another worker's outcome",
       {record(kIntent, 1, "i", 1), record(kOutcome, 1, "o", 2)},
       {{"i", kPending}, {kEarlierOf2, "o"}}},
      {"another client's outcome",
       {record(kIntent, 1, "i", 1, kOne), record(kOutcome, 1, "o", 1, kTwo)},
       {{"i", kPending}, {kEarlier, "o"}}},
      {"an outcome before its intent",
       {record(kOutcome, 1, "o"), record(kIntent, 1, "i")},
       {{kEarlier, "o"}, {"i", kPending}}},
      {"what was open when a segment began", {record(RecordKind::kOpen, 1, "{}")}, {}},
  };
  for (const auto& row : table) EXPECT_EQ(paired(row.records), row.events) << row.what;
}

TEST(PairUp, ReplacesWhatTheDatabaseCouldNotTake) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  const auto kept = [](const std::string& json) {
    return paired({record(kEvent, 0, json)})[0].second == json;
  };
  EXPECT_TRUE(kept(R"({"target":"zażółć \" \\"})"));
  EXPECT_TRUE(kept(nested(64)));
  EXPECT_TRUE(kept("\"" + nested(500) + "\"")) << "brackets in a string";
  EXPECT_FALSE(kept(nested(65)));
  EXPECT_FALSE(kept(R"("\\")" + nested(65))) << "behind a string";
  EXPECT_FALSE(kept("\"\xff\""));
  EXPECT_FALSE(kept(std::string("\"\0\"", 3)));
}

TEST(PairUp, KeepsWhoseItIs) {
  auto mine = record(kIntent, 1, "i");
  mine.agent = AgentId::random();
  const auto events = pair_up({mine, record(kEvent, 0, "e", 1, kTwo)});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].client, kOne);
  EXPECT_EQ(events[0].agent, mine.agent);
  EXPECT_EQ(events[1].client, kTwo);
}

}  // namespace
}  // namespace deployclaw::egress
