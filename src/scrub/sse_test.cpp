#include "scrub/sse.hpp"

#include <gtest/gtest.h>

namespace deployclaw::scrub {
namespace {

using namespace std::string_literals;

std::string read(std::string_view in, std::size_t step, std::size_t most = 1000) {
  SseParser parser(most);
  std::string log;
  while (!in.empty()) {
    const auto status = parser.feed(in.substr(0, step), [&log](const ServerSentEvent& event) {
      log += "[" + std::string(event.event) + "|" + std::string(event.data) + "|" +
             std::string(event.id) + "]";
    });
    if (!status) {
      EXPECT_EQ(status.error().code, Code::kTooLarge);
      EXPECT_FALSE(parser.feed("\n", [](const auto&) {}));
      return log + "!";
    }
    in.remove_prefix(std::min(step, in.size()));
  }
  return log;
}

void expect_events(std::string_view in, std::string_view events) {
  for (std::size_t step = 1; step <= in.size(); ++step) {
    EXPECT_EQ(read(in, step), events) << testing::PrintToString(std::string(in)) << " by " << step;
  }
}

// The examples of WHATWG HTML §9.2.6.
TEST(SseParser, ReadsTheExamplesOfTheStandard) {
  expect_events("data: YHOO\ndata: +2\ndata: 10\n\n", "[message|YHOO\n+2\n10|]");
  expect_events(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
      "event\n\n",
      "[message|first event|1][message|second event|][message| third event|]");
  expect_events("data\n\ndata\ndata\n\ndata:", "[message||][message|\n|]");
  expect_events("data:test\n\ndata: test\n\n", "[message|test|][message|test|]");
}

TEST(SseParser, TakesEveryLineEnd) {
  expect_events("data: a\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n",
                "[message|a\nb|][message|c|][message|d|]");
  expect_events("event: x\rdata: a\n\r\n", "[x|a|]");
}

TEST(SseParser, SkipsOneByteOrderMark) {
  expect_events(
      "\xEF\xBB\xBF"
      "data: a\n\n",
      "[message|a|]");
  expect_events(
      "\xEF\xBB\xBF\xEF\xBB\xBF"
      "data: a\n\ndata: b\n\n",
      "[message|b|]");
  expect_events(
      "data: a\n\xEF\xBB\xBF"
      "data: b\n\n",
      "[message|a|]");
}

TEST(SseParser, KeepsTheIdAndForgetsTheName) {
  expect_events("event: one\nid: 7\ndata: a\n\ndata: b\n\n", "[one|a|7][message|b|7]");
  expect_events("id: 7\ndata: a\n\nid: x\0y\ndata: b\n\n"s, "[message|a|7][message|b|7]");
  expect_events("event: lost\n\ndata: b\n\n", "[message|b|]");
}

TEST(SseParser, GivesAnEventWithItsBlankLine) {
  SseParser parser(100);
  int events = 0;
  const auto count = [&events](const auto&) { ++events; };
  EXPECT_TRUE(parser.feed("data: a\n", count));
  EXPECT_EQ(events, 0);
  EXPECT_TRUE(parser.feed("\r", count));
  EXPECT_EQ(events, 1);
  EXPECT_TRUE(parser.feed("\n", count));
  EXPECT_EQ(events, 1);
}

TEST(SseParser, ReadsRetry) {
  SseParser parser(100);
  const auto ignore = [](const auto&) {};
  EXPECT_TRUE(
      parser.feed("retry: 1x\nretry:\nretry: -1\nretry: 99999999999999999999999\n", ignore));
  EXPECT_FALSE(parser.retry_ms());
  EXPECT_TRUE(parser.feed("retry: 1500\nretry: +2\n", ignore));
  EXPECT_EQ(parser.retry_ms(), 1500U);
}

TEST(SseParser, BoundsLinesAndEvents) {
  EXPECT_EQ(read("data: 12345\n\n", 3, 11), "[message|12345|]");
  EXPECT_EQ(read("data: 12345\n\n", 3, 10), "!");
  EXPECT_EQ(read("data: 1\ndata: 2\ndata: 3\n\n", 3, 8), "[message|1\n2\n3|]");
  EXPECT_EQ(read("data: 1\ndata: 2\ndata: 3\ndata: 45\n\n", 3, 8), "!");
  EXPECT_EQ(read(std::string(50, 'x'), 1, 8), "!");
}

}  // namespace
}  // namespace deployclaw::scrub
