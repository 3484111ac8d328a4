#include "docker/frames.hpp"

#include <gmock/gmock.h>

#include <random>
#include <vector>

#include "base/encoding.hpp"

namespace deployclaw::docker {
namespace {

using ::testing::ElementsAre;

std::string frame(Stream stream, std::string_view payload) {
  const auto size = payload.size();
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(stream);
  for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(size >> (24 - 8 * i));
  return bytes.append(payload);
}

struct Collected {
  std::string out;
  std::string err;
  FrameParser::Sink sink() {
    return [this](Stream stream, std::string_view payload) {
      (stream == Stream::kStderr ? err : out) += payload;
    };
  }
};

TEST(FrameParser, SeparatesTheStreams) {
  FrameParser parser;
  Collected got;
  const auto bytes = frame(Stream::kStdout, "one\n") + frame(Stream::kStderr, "bad\n") +
                     frame(Stream::kStdout, "") + frame(Stream::kStdout, "two\n");
  ASSERT_TRUE(parser.feed(bytes, got.sink()));
  EXPECT_EQ(got.out, "one\ntwo\n");
  EXPECT_EQ(got.err, "bad\n");
  EXPECT_TRUE(parser.at_boundary());
}

TEST(FrameParser, GivesTheSameWhereverTheBytesAreSplit) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    Collected expected;
    for (unsigned i = random() % 8; i > 0; --i) {
      std::string payload(random() % 40, '\0');
      for (auto& byte : payload) byte = static_cast<char>(random());
      const auto stream = random() % 2 == 0 ? Stream::kStdout : Stream::kStderr;
      (stream == Stream::kStderr ? expected.err : expected.out) += payload;
      bytes += frame(stream, payload);
    }
    FrameParser parser;
    Collected got;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto size = std::min<std::size_t>(1 + random() % 13, rest.size());
      ASSERT_TRUE(parser.feed(rest.substr(0, size), got.sink()));
      rest.remove_prefix(size);
    }
    EXPECT_EQ(got.out, expected.out);
    EXPECT_EQ(got.err, expected.err);
    EXPECT_TRUE(parser.at_boundary());
  }
}

TEST(FrameParser, KnowsWhenAStreamWasCutOff) {
  for (const std::size_t size : {1U, 7U, 8U, 10U}) {
    FrameParser parser;
    Collected got;
    ASSERT_TRUE(parser.feed(frame(Stream::kStdout, "abc").substr(0, size), got.sink()));
    EXPECT_FALSE(parser.at_boundary()) << size;
  }
}

TEST(FrameParser, RefusesWhatIsNoFrameAndStaysDead) {
  for (const auto* bytes : {"plain text", "\x03\0\0\0\0\0\0\0", "\x01\x01\0\0\0\0\0\0"}) {
    FrameParser parser;
    Collected got;
    EXPECT_FALSE(parser.feed(std::string_view(bytes, 8), got.sink()));
    EXPECT_FALSE(parser.feed(frame(Stream::kStdout, "x"), got.sink()));
    EXPECT_EQ(got.out, "");
  }
}

TEST(SanitizeLine, LeavesTextAndTakesControlCharactersAndEscapes) {
  EXPECT_EQ(sanitize_line("plain\ttext é 漢 🦞", 100), "plain\ttext é 漢 🦞");
  EXPECT_EQ(sanitize_line("\x1B[31mred\x1B[0m", 100), "red");
  EXPECT_EQ(sanitize_line("\x1B]0;title\aafter", 100), "after");
  EXPECT_EQ(sanitize_line("\x1B]8;;http://x\x1B\\link", 100), "link");
  EXPECT_EQ(sanitize_line("a\r\b\x07"
                          "b\x7F",
                          100),
            "ab");
  EXPECT_EQ(sanitize_line("c1\xC2\x9B"
                          "31m",
                          100),
            "c131m");
  EXPECT_EQ(sanitize_line("\x1B", 100), "");
  EXPECT_EQ(sanitize_line("x\x1B[", 100), "x");
}

TEST(SanitizeLine, MakesAnyBytesValidUtf8OfBoundedSize) {
  EXPECT_EQ(sanitize_line("a\xFF"
                          "b\xC3",
                          100),
            "a\uFFFDb\uFFFD");
  EXPECT_EQ(sanitize_line("\xED\xA0\x80", 100), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(sanitize_line("aé", 2), "a");
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string raw(random() % 60, '\0');
    for (auto& byte : raw) byte = static_cast<char>(random());
    const auto clean = sanitize_line(raw, 32);
    EXPECT_TRUE(is_utf8(clean));
    EXPECT_LE(clean.size(), 32U);
  }
}

TEST(LineSplitter, JoinsPiecesCutsLongLinesAndKeepsTheLast) {
  LineSplitter splitter(5);
  std::vector<std::string> lines;
  const auto sink = [&](std::string_view line) { lines.emplace_back(line); };
  splitter.feed("ab", sink);
  splitter.feed("c\n\n12345", sink);
  splitter.feed("678", sink);
  splitter.feed("9\nend", sink);
  EXPECT_THAT(lines, ElementsAre("abc", "", "12345"));
  splitter.finish(sink);
  splitter.finish(sink);
  EXPECT_THAT(lines, ElementsAre("abc", "", "12345", "end"));
}

}  // namespace
}  // namespace deployclaw::docker
