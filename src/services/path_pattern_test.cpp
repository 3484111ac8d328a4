#include "services/path_pattern.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "http/canonical_target.hpp"

namespace deployclaw::services {
namespace {

PathPattern pattern(std::string_view text) {
  auto parsed = PathPattern::parse(text);
  EXPECT_TRUE(parsed) << text << " " << (parsed ? "" : parsed.error());
  return parsed ? std::move(*parsed) : PathPattern();
}

bool matches(std::string_view text, std::string_view path) {
  Captures captures;
  return pattern(text).matches(http::PathSegments(path).all(), captures);
}

TEST(PathPattern, MatchesSegmentBySegment) {
  EXPECT_TRUE(matches("/a/b", "/a/b"));
  EXPECT_FALSE(matches("/a/b", "/a/b/"));
  EXPECT_FALSE(matches("/a/b", "/a"));
  EXPECT_FALSE(matches("/a/b", "/A/b"));
  EXPECT_TRUE(matches("/", "/"));
  EXPECT_FALSE(matches("/", "/a"));
  EXPECT_TRUE(matches("/a/*/c", "/a/b/c"));
  EXPECT_FALSE(matches("/a/*/c", "/a/b/b/c"));
  EXPECT_FALSE(matches("/a/*", "/a/")) << "an empty segment is none";
  EXPECT_TRUE(matches("/a/**", "/a"));
  EXPECT_TRUE(matches("/a/**", "/a/"));
  EXPECT_TRUE(matches("/a/**", "/a/b/c"));
  EXPECT_FALSE(matches("/a/**", "/ab"));
  EXPECT_TRUE(matches("/m/{model}:count", "/m/gpt:count"));
  EXPECT_FALSE(matches("/m/{model}:count", "/m/:count"));
  EXPECT_FALSE(matches("/m/{model}:count", "/m/gpt:other"));
  EXPECT_TRUE(matches("/", "/"));
}

TEST(PathPattern, CapturesByName) {
  Captures captures;
  const std::string path = "/bot12:AA/x/sendMessage";
  const http::PathSegments segments(path);
  const auto bot = pattern("/bot{token}/*/{method}");
  ASSERT_TRUE(bot.matches(segments.all(), captures));
  EXPECT_EQ(captures.get("token"), "12:AA");
  EXPECT_EQ(captures.get("method"), "sendMessage");
  EXPECT_EQ(captures.get("other"), "");
}

TEST(PathPattern, RefusesWhatNoCanonicalPathHas) {
  for (const char* bad : {"", "a", "/a//b", "/a/**/b", "/a*", "/{}", "/{A}", "/{a", "/{a}{b}",
                          "/{a}/{a}", "/a%2Fb", "/a b", "/a?b", "/..", "/./a", "/a#", "/x**"}) {
    EXPECT_FALSE(PathPattern::parse(bad)) << bad;
  }
}

TEST(PathPattern, RefusesWhatIsTooLong) {
  const std::string longest = "/{a}/" + std::string(65'530, 'x');
  EXPECT_TRUE(matches(longest, "/b/" + std::string(65'530, 'x')));
  EXPECT_FALSE(PathPattern::parse(longest + "x"));
  std::string most;
  for (std::size_t i = 0; i < http::kMostSegments; ++i) most += "/x";
  EXPECT_TRUE(PathPattern::parse(most));
  EXPECT_FALSE(PathPattern::parse(most + "/x"));
}

TEST(PathPattern, ACopyHoldsNothingOfTheOriginal) {
  auto original = pattern("/{a}/b{c}d");
  const auto copy = original;
  const auto moved = std::move(original);
  original = pattern("/another/one");
  for (const auto* one : {&copy, &moved}) {
    EXPECT_EQ(one->segment(0).capture, "a");
    EXPECT_EQ(one->segment(1).prefix, "b");
    EXPECT_EQ(one->segment(1).capture, "c");
    EXPECT_EQ(one->segment(1).suffix, "d");
  }
}

TEST(PathPattern, KnowsWhatOverlaps) {
  const auto overlap = [](const char* a, const char* b) {
    const bool one = pattern(a).overlaps(pattern(b));
    EXPECT_EQ(one, pattern(b).overlaps(pattern(a))) << a << " " << b;
    return one;
  };
  EXPECT_TRUE(overlap("/a/b", "/a/*"));
  EXPECT_TRUE(overlap("/a/**", "/a"));
  EXPECT_TRUE(overlap("/**", "/x/y"));
  EXPECT_TRUE(overlap("/*/b", "/a/*"));
  EXPECT_TRUE(overlap("/m/{a}:x", "/m/*"));
  EXPECT_TRUE(overlap("/m/a{a}", "/m/{b}z"));
  EXPECT_FALSE(overlap("/m/{a}:x", "/m/{a}:y"));
  EXPECT_FALSE(overlap("/a/b", "/a/c"));
  EXPECT_FALSE(overlap("/a/*", "/a"));
  EXPECT_FALSE(overlap("/a/*/c", "/a/*/d"));
}

TEST(PathPattern, TheNarrowerComesFirst) {
  EXPECT_TRUE(pattern("/a/b").compare(pattern("/a/{x}.json")) < 0);
  EXPECT_TRUE(pattern("/a/{x}.json").compare(pattern("/a/*")) < 0);
  EXPECT_TRUE(pattern("/a/*").compare(pattern("/a/**")) < 0);
  EXPECT_TRUE(pattern("/a/{x}longer").compare(pattern("/a/{x}er")) < 0);
  EXPECT_TRUE(pattern("/a/{x}").compare(pattern("/a/*")) == 0);
}

std::string random_text(std::mt19937& random, bool as_pattern) {
  static constexpr std::array<std::string_view, 7> kPieces = {"a", "b",     "ab",  "ab:c",
                                                              "*", "{x}:c", "a{x}"};
  std::string text;
  const auto pick = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random);
  };
  const auto count = 1 + pick(2);
  for (std::size_t i = 0; i < count; ++i) {
    auto piece = std::string(kPieces[pick(as_pattern ? 6 : 3)]);
    if (const auto name = piece.find("{x}"); name != std::string::npos) {
      piece[name + 1] = static_cast<char>('p' + i);
    }
    text.append("/").append(piece);
  }
  if (as_pattern && pick(3) == 0) text += "/**";
  return text;
}

TEST(PathPattern, TwoThatMatchOnePathOverlap) {
  std::mt19937 random(11);
  int both = 0;
  for (int i = 0; i < 30'000; ++i) {
    const auto a = random_text(random, true);
    const auto b = random_text(random, true);
    const auto path = random_text(random, false);
    if (!matches(a, path) || !matches(b, path)) continue;
    ++both;
    ASSERT_TRUE(pattern(a).overlaps(pattern(b))) << a << " " << b << " " << path;
  }
  EXPECT_GT(both, 200);
}

}  // namespace
}  // namespace deployclaw::services
