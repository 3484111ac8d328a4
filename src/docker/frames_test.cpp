#include "docker/frames.hpp"

#include <gmock/gmock.h>

#include <random>
#include <regex>
#include <vector>

#include "base/encoding.hpp"

namespace deployclaw::docker {
namespace {

using namespace std::string_literals;
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

TEST(SanitizeLine, KeepsLooks) {
  for (const char* line : {"\x1B[31mred\x1B[0m", "\x1B[mreset", "\x1B[1;4;38;5;208mmany\x1B[;m",
                           "\x1B[38;2;1;20;255mtrue \x1B[48;2;255;255;255mcolours", "\x1B[0m"}) {
    EXPECT_EQ(sanitize_line(line, 100), line);
  }
}

TEST(SanitizeLine, TakesWhatOnlyResemblesALook) {
  for (const char* sequence :
       {"\x1B[>4;2m", "\x1B[?4m",        "\x1B[=1m",    "\x1B[<0;1;1m", "\x1B[1 m",
        "\x1B[4:3m",  "\x1B[1!m",        "\x1B[31M",    "\x1B[31",      "\x1B[31;",
        "\x1B(m",     "\x1B#m",          "\x1Bm",       "\x1B[2J",      "\x1B[6n",
        "\x1B[1;1H",  "\x1BP1$qm\x1B\\", "\x1B]11;?\a", "\x1B_m\x1B\\", "\x1B[?1049h"}) {
    EXPECT_EQ(sanitize_line(std::string("a") + sequence, 100), "a") << sequence + 1;
  }
  EXPECT_EQ(sanitize_line("\x1B[3\x07"
                          "1mtext",
                          100),
            "1mtext")
      << "a sequence is never joined over what was taken out";
  EXPECT_EQ(sanitize_line("\x1B\x1B[31mtext", 100), "[31mtext");
}

TEST(SanitizeLine, BoundsTheNumbersOfALook) {
  std::string most = "\x1B[255";
  for (int i = 1; i < 16; ++i) most += ";255";
  EXPECT_EQ(sanitize_line(most + "m", 200), most + "m");
  EXPECT_EQ(sanitize_line(most + ";1mtext", 200), "text");
  EXPECT_EQ(sanitize_line("\x1B[0031mtext", 200), "text");
  EXPECT_EQ(sanitize_line("\x1B[" + std::string(100'000, ';') + "mtext", 200), "text");
  EXPECT_EQ(sanitize_line("\x1B[" + std::string(100'000, '1') + "mtext", 200), "text");
}

TEST(SanitizeLine, CutsBeforeALookThatDoesNotFitAndNeverWithin) {
  const std::string line = "ab\x1B[1;31mred\x1B[0m";
  EXPECT_EQ(sanitize_line(line, line.size()), line);
  EXPECT_EQ(sanitize_line(line, line.size() - 1), "ab\x1B[1;31mred");
  for (std::size_t most = 2; most < 9; ++most) EXPECT_EQ(sanitize_line(line, most), "ab") << most;
  EXPECT_EQ(sanitize_line(line, 9), "ab\x1B[1;31m");
}

TEST(PlainText, IsTheWordsAlone) {
  EXPECT_EQ(plain_text("\x1B[1;31mred\x1B[0m and \x1B[4mplain"), "red and plain");
  EXPECT_EQ(plain_text("\x1B]0;title\a\x1B[2Jtext\x07\t\xFF"), "text\t\uFFFD");
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

// Written apart from the code under test: true when a terminal finds nothing in `line` to obey but
// looks within the bounds.
bool only_looks(const std::string& line) {
  static const std::regex look("\x1B\\[[0-9]{0,3}(;[0-9]{0,3}){0,15}m");
  const auto rest = std::regex_replace(line, look, "");
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const auto c = static_cast<unsigned char>(rest[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
    if (c == 0xC2 && static_cast<unsigned char>(rest[i + 1]) < 0xA0) return false;
  }
  return true;
}

// Of pieces that sequences are made of: from bytes of chance alone hardly one would come about.
std::string hostile_line(std::mt19937& random) {
  static const std::vector<std::string> pieces = {
      "\x1B",     "[",  "]",       "m",   "31", ";",  "\x1B[31m", "\x1B[0m", "\x1B[2J", "\x1B]0;",
      "\a",       "\\", "\x1B\\",  "?",   ">",  ":",  "P",        "\xC2",    "\x9B",    "\xC2\x9B",
      "\xE6\xBC", "漢", "\x7F",    "\0"s, "\r", "\t", " ",        "text",    "(",       "999",
      "\xFF",     "é",  "\xC2\x85"};
  std::string line;
  for (unsigned i = random() % 30; i > 0; --i) line += pieces[random() % pieces.size()];
  return line;
}

TEST(SanitizeLine, LetsThroughNothingButLooksWhateverIsWritten) {
  std::mt19937 random(13);
  int with_looks = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto raw = hostile_line(random);
    const auto whole = sanitize_line(raw, 1000);
    with_looks += whole.contains('\x1B') ? 1 : 0;
    ASSERT_TRUE(only_looks(whole)) << hex_encode(bytes_of(raw));
    ASSERT_EQ(sanitize_line(whole, 1000), whole) << hex_encode(bytes_of(raw));
    ASSERT_EQ(plain_text(whole), plain_text(raw)) << hex_encode(bytes_of(raw));
    ASSERT_FALSE(plain_text(raw).contains('\x1B')) << hex_encode(bytes_of(raw));

    const auto most = random() % 40;
    const auto cut = sanitize_line(raw, most);
    ASSERT_LE(cut.size(), most);
    ASSERT_TRUE(only_looks(cut) && is_utf8(cut) && whole.starts_with(cut))
        << most << " of " << hex_encode(bytes_of(raw));
  }
  EXPECT_GT(with_looks, 1000) << "or this would show little";
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
