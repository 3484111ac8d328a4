#include "vault/keyring.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "vault/locked_page.hpp"

namespace deployclaw::vault {
namespace {

const std::string kZeroKey = base64_encode(Bytes(32, 0));
const std::string kOneKey = base64_encode(Bytes(32, 1));

Result<Keyring> parse(const std::string& text) { return Keyring::parse(Secret::copy_of(text)); }

TEST(Keyring, ReadsBackWhatItWrote) {
  Keyring ring;
  ASSERT_EQ(ring.add(Time{}).value(), 1U);
  ASSERT_EQ(ring.add(Time{}).value(), 2U);
  const auto again = Keyring::parse(ring.to_text());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->newest(), 2U);
  EXPECT_EQ(again->oldest(), 1U);
  for (const std::uint32_t version : {1U, 2U}) {
    EXPECT_TRUE(equal_constant_time(again->key(version).value(), ring.key(version).value()));
  }
  EXPECT_EQ(again->versions()[1].check, ring.versions()[1].check);
  EXPECT_EQ(again->versions()[0].created, "1970-01-01T00:00:00.000Z");
}

TEST(Keyring, TakesCommentsGapsSemicolonsAndLinesWithoutDetails) {
  const auto ring = parse("# note\n\nv3 " + kZeroKey + ";v7  " + kOneKey + "\r\n");
  ASSERT_TRUE(ring) << ring.error().message;
  EXPECT_EQ(ring->oldest(), 3U);
  EXPECT_EQ(ring->newest(), 7U);
  EXPECT_EQ(ring->key(7).value()[0], 1);
}

TEST(Keyring, RefusesWhatItCannotTrustWithoutRepeatingIt) {
  const std::string short_key = base64_encode(Bytes(31, 7));
  for (const std::string& bad :
       {std::string(), std::string("# only a comment\n"), "v0 " + kZeroKey, "v01 " + kZeroKey,
        "1 " + kZeroKey, std::string("v1"), "v1 " + short_key, "v1 " + kZeroKey.substr(1),
        "v1 " + kZeroKey + " extra", "v1 " + kZeroKey + " created=yesterday",
        "v1 " + kZeroKey + "\nv1 " + kOneKey, "v2 " + kZeroKey + "\nv1 " + kOneKey,
        "v99999999999 " + kZeroKey, "v-1 " + kZeroKey}) {
    const auto ring = parse(bad);
    ASSERT_FALSE(ring) << bad;
    EXPECT_EQ(ring.error().code, Code::kMalformed) << bad;
    EXPECT_EQ(ring.error().message.find(kZeroKey.substr(1, 20)), std::string::npos);
  }
}

TEST(Keyring, NoticesAKeyThatNoLongerMatchesItsCheck) {
  Keyring ring;
  ASSERT_TRUE(ring.add(Time{}));
  const std::string check = ring.versions()[0].check;
  EXPECT_EQ(check.size(), 16U);
  const auto damaged = parse("v1 " + kZeroKey + " check=" + check);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kCorrupt);
}

TEST(Keyring, NamesTheVersionsItHoldsWhenOneIsMissing) {
  const auto ring = parse("v2 " + kZeroKey + "\nv3 " + kOneKey);
  const auto key = ring->key(1);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Code::kUnavailable);
  EXPECT_NE(key.error().message.find("master key v1 is not in the key ring, which holds v2, v3"),
            std::string::npos);
}

TEST(Keyring, HoldsAtMostItsLimit) {
  Keyring ring;
  for (std::size_t i = 0; i < Keyring::kMaxVersions; ++i) ASSERT_TRUE(ring.add(Time{}));
  const auto more = ring.add(Time{});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::kTooLarge);
  EXPECT_TRUE(Keyring::parse(ring.to_text()));
}

TEST(LockedPage, IsEmptyInAForkedChild) {
  LockedPage page;
  EXPECT_TRUE(page.locked());
  page.bytes()[7] = 0x5a;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(page.bytes()[7]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(page.bytes()[7], 0x5a);
}

}  // namespace
}  // namespace deployclaw::vault
