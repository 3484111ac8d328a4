#include "crypto/recovery_code.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace deployclaw::crypto {
namespace {

std::vector<Sha256Digest> hashes_of(const std::vector<std::string>& codes) {
  std::vector<Sha256Digest> hashes;
  for (const auto& code : codes) hashes.push_back(hash_recovery_code(code).value());
  return hashes;
}

TEST(RecoveryCode, MakesTenDifferentCodesInGroups) {
  const auto codes = generate_recovery_codes();
  EXPECT_EQ(codes.size(), 10U);
  EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), 10U);
  for (const auto& code : codes) {
    ASSERT_EQ(code.size(), 19U);
    for (std::size_t i = 0; i < code.size(); ++i) {
      if (i % 5 == 4) {
        EXPECT_EQ(code[i], '-');
      } else {
        EXPECT_TRUE((code[i] >= 'A' && code[i] <= 'Z') || (code[i] >= '2' && code[i] <= '7'));
      }
    }
  }
}

TEST(RecoveryCode, FindsEachCodeHoweverItIsTyped) {
  const auto codes = generate_recovery_codes();
  const auto hashes = hashes_of(codes);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    std::string loose = codes[i];
    std::ranges::transform(loose, loose.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::ranges::replace(loose, '-', ' ');
    EXPECT_EQ(match_recovery_code(codes[i], hashes), i);
    EXPECT_EQ(match_recovery_code(loose, hashes), i);
  }
}

TEST(RecoveryCode, RefusesUnknownAndMalformedCodes) {
  const auto codes = generate_recovery_codes();
  const auto hashes = hashes_of(codes);
  EXPECT_FALSE(match_recovery_code(generate_recovery_codes()[0], hashes));
  EXPECT_FALSE(match_recovery_code(codes[0], {}));
  for (const std::string& bad : {std::string(), codes[0].substr(1), codes[0] + "A",
                                 codes[0] + "========", std::string("123456"),
                                 "1" + codes[0].substr(1), codes[0] + std::string(1, '\0')}) {
    EXPECT_FALSE(hash_recovery_code(bad)) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::crypto
