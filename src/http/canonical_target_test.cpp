#include "http/canonical_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace deployclaw::http {
namespace {

using ::testing::ElementsAre;

std::string canonical(std::string_view target) {
  const auto read = canonical_target(target);
  return read ? read->origin_form() : "refused: " + read.error().public_detail;
}

TEST(CanonicalTarget, HasOneSpellingForAResource) {
  EXPECT_EQ(canonical("/"), "/");
  EXPECT_EQ(canonical("/v1/%6dessages"), "/v1/messages");
  EXPECT_EQ(canonical("/%7euser/%2D"), "/~user/-");
  EXPECT_EQ(canonical("/a%c3%a9"), "/a%C3%A9");
  EXPECT_EQ(canonical("/a/./b"), "/a/b");
  EXPECT_EQ(canonical("/a/x/../b"), "/a/b");
  EXPECT_EQ(canonical("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(canonical("/a/."), "/a/");
  EXPECT_EQ(canonical("/a/b/.."), "/a/");
  EXPECT_EQ(canonical("/a/.."), "/");
  EXPECT_EQ(canonical("/a/"), "/a/");
  EXPECT_EQ(canonical("/bot123:AA-b_c/sendMessage"), "/bot123:AA-b_c/sendMessage");
  EXPECT_EQ(canonical("/a;b=c"), "/a;b=c");
  EXPECT_EQ(canonical("/a[0]\"<>^`{|}"), "/a%5B0%5D%22%3C%3E%5E%60%7B%7C%7D");
  EXPECT_EQ(canonical("/..."), "/...");
  EXPECT_EQ(canonical("/100%25"), "/100%25");
}

TEST(CanonicalTarget, KeepsTheQueryButForItsEscapes) {
  EXPECT_EQ(canonical("/a?"), "/a?");
  EXPECT_EQ(canonical("/a?b=%73%6B&c=/../?%2f%0a"), "/a?b=sk&c=/../?%2F%0A");
  EXPECT_EQ(canonical("/a?x[]=1&y=\\"), "/a?x%5B%5D=1&y=%5C");
  EXPECT_FALSE(canonical_target("/a")->query);
  EXPECT_EQ(canonical_target("/a?")->query, "");
}

TEST(CanonicalTarget, RefusesWhatTwoServersCouldReadDifferently) {
  for (const char* attack : {"/v1/files%2F..%2Fadmin",
                             "/v1/files%2f",
                             "/a%5Cb",
                             "/a%5c..%5cb",
                             "/a\\..\\b",
                             "/a%00",
                             "/a%00.json",
                             "/a%0Ab",
                             "/a%0d%0aHost:%20b",
                             "/a%7f",
                             "/..",
                             "/../a",
                             "/a/../../b",
                             "/%2e%2e/a",
                             "//",
                             "//evil.example.com/a",
                             "/a//b",
                             "/a//../b",
                             "/a/.//b",
                             "/..;/admin",
                             "/a/..;x/b",
                             "/a/.;/b",
                             "/a/%2e%2e;/b",
                             "/a/..%3B/b",
                             "/a;x/../b",
                             "/a;/./b",
                             "/a%3bx/../b",
                             "/a%252fb",
                             "/a%252Fb",
                             "/a%255cb",
                             "/a%252e%252e/b",
                             "/%25%32%65",
                             "/%25%32%46",
                             "/a%25252f",
                             "/a%2500",
                             "/a%250a",
                             "/a%",
                             "/a%2",
                             "/a%zz",
                             "/a%2g",
                             "/a#b",
                             "/a?b#c",
                             "/a b",
                             "/a\tb",
                             "/a\r\nb",
                             "/caf\xc3\xa9",
                             "/a?\xc3\xa9",
                             "/a?b c",
                             "/a?%",
                             "/a?%00",
                             "/%c0%ae%c0%ae/b",
                             "/%c0%afb",
                             "/%e0%80%af",
                             "/%ed%a0%80",
                             "/%ff",
                             "",
                             "*",
                             "a",
                             "a/b",
                             "?a",
                             "example.com:443",
                             "ftp://a.example.com/",
                             "http:/a.example.com/",
                             "http://",
                             "http:///a",
                             "http://u:p@a.example.com/",
                             "http://a.example.com@evil.test/",
                             "http://10.0.0.1/",
                             "http://0x7f.1/",
                             "http://[::1]/",
                             "http://a.example.com//b",
                             "http://a.example.com\\@b/",
                             "http://a.example.com/../b",
                             "http://a.example.com#f",
                             "https//a.example.com/"}) {
    const auto read = canonical_target(attack);
    ASSERT_FALSE(read) << attack << " became " << read->origin_form();
    EXPECT_EQ(read.error().code, Code::kMalformed) << attack;
    EXPECT_FALSE(read.error().public_detail.empty()) << attack;
  }
  EXPECT_FALSE(canonical_target(std::string_view("/a\0b", 4)));
}

TEST(CanonicalTarget, ReadsTheAbsoluteForm) {
  const auto read = canonical_target("HTTP://API.Example.com.:8080/a/../b?c");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->authority, (Authority{.host = "api.example.com", .port = 8080}));
  EXPECT_FALSE(read->https);
  EXPECT_EQ(read->origin_form(), "/b?c");
  EXPECT_TRUE(canonical_target("https://a.example.com")->https);
  EXPECT_EQ(canonical("https://a.example.com"), "/");
  EXPECT_EQ(canonical("https://a.example.com?x=http://b"), "/?x=http://b");
  EXPECT_FALSE(canonical_target("/a")->authority);
  EXPECT_TRUE(canonical_target("http://192.0.2.1/", Addresses::kAccept));
}

TEST(CanonicalTarget, IsBounded) {
  EXPECT_TRUE(canonical_target("/" + std::string(kLongestTarget - 1, 'a')));
  EXPECT_FALSE(canonical_target("/" + std::string(kLongestTarget, 'a')));
  EXPECT_FALSE(canonical_target("/" + std::string(kLongestTarget / 2, '"'))) << "grows by encoding";
  std::string deep;
  for (std::size_t i = 1; i < kMostSegments; ++i) deep += "/a";
  EXPECT_TRUE(canonical_target(deep + "/"));
  EXPECT_FALSE(canonical_target(deep + "/a"));
}

TEST(PathSegments, SplitAPath) {
  EXPECT_THAT(PathSegments("/").all(), ElementsAre(""));
  EXPECT_THAT(PathSegments("/a").all(), ElementsAre("a"));
  EXPECT_THAT(PathSegments("/a/b/").all(), ElementsAre("a", "b", ""));
  std::string deep;
  for (std::size_t i = 0; i < 2 * kMostSegments; ++i) deep += "/a";
  EXPECT_EQ(PathSegments(deep).all().size(), kMostSegments);
}

// Pieces that matter to paths, put together at random.
std::string random_target(std::mt19937& random) {
  static constexpr std::array<std::string_view, 30> kPieces = {
      "/",   ".",   "..",  "%2e", "%2F", "%25", "%32", "%46", "a",   "b",
      "%61", "%C3", "%a9", ";",   "%3b", "?",   "=",   "&",   "%00", "\\",
      "//",  "/./", "/..", "[",   "%5B", "~",   "%7E", ":",   "#",   "é"};
  std::string target = "/";
  const auto count = std::uniform_int_distribution<int>(0, 12)(random);
  for (int i = 0; i < count; ++i) {
    target += kPieces[std::uniform_int_distribution<std::size_t>(0, kPieces.size() - 1)(random)];
  }
  return target;
}

TEST(CanonicalTarget, IsIdempotentAndNeverAmbiguous) {
  std::mt19937 random(7);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto target = random_target(random);
    const auto once = canonical_target(target);
    if (!once) continue;
    ++accepted;
    const auto form = once->origin_form();
    const auto twice = canonical_target(form);
    ASSERT_TRUE(twice) << target << " -> " << form;
    ASSERT_EQ(twice->origin_form(), form) << target;
    for (const auto segment : PathSegments(once->path).all()) {
      ASSERT_TRUE(segment != "." && segment != "..") << target;
    }
    ASSERT_FALSE(once->path.contains("//")) << target;
    ASSERT_FALSE(once->path.contains("%2F") || once->path.contains("%2E")) << target;
  }
  EXPECT_GT(accepted, 20'000);
}

}  // namespace
}  // namespace deployclaw::http
