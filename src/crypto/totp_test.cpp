#include "crypto/totp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/encoding.hpp"

namespace deployclaw::crypto {
namespace {

using std::chrono::seconds;

Secret rfc_secret() { return Secret::copy_of("12345678901234567890"); }
Time at(std::int64_t unix_seconds) { return Time{seconds{unix_seconds}}; }

struct Vector {
  std::int64_t time;
  const char* code;
};

// RFC 6238, appendix B, SHA-1, its last six digits.
constexpr std::array<Vector, 6> kVectors = {{{59, "287082"},
                                             {1111111109, "081804"},
                                             {1111111111, "050471"},
                                             {1234567890, "005924"},
                                             {2000000000, "279037"},
                                             {20000000000, "353130"}}};

TEST(Totp, MatchesRfc6238) {
  const Secret secret = rfc_secret();
  for (const auto& [time, code] : kVectors) {
    EXPECT_EQ(totp_code(secret, totp_step(at(time))), code) << time;
    EXPECT_EQ(match_totp(secret, code, at(time)), totp_step(at(time)));
  }
}

TEST(Totp, AgreesWithOathtool) {
  if (std::system("command -v oathtool >/dev/null") != 0) GTEST_SKIP() << "oathtool is not here";
  for (int i = 0; i < 5; ++i) {
    const Secret secret = generate_totp_secret();
    const std::int64_t time = 1'700'000'000 + std::int64_t{i} * 7'777'777;
    const std::string command =
        "oathtool --totp -b -N '@" + std::to_string(time) + "' " + totp_secret_text(secret);
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::array<char, 32> line{};
    const bool answered = std::fgets(line.data(), line.size(), pipe) != nullptr;
    EXPECT_EQ(pclose(pipe), 0);
    ASSERT_TRUE(answered);
    EXPECT_EQ(std::string_view(line.data(), 6), totp_code(secret, totp_step(at(time))));
  }
}

TEST(Totp, AcceptsOneStepEitherSideAndSaysWhich) {
  const Secret secret = rfc_secret();
  const Time now = at(1'700'000'010);
  const std::int64_t step = totp_step(now);
  for (const std::int64_t offset : {-1, 0, 1}) {
    EXPECT_EQ(match_totp(secret, totp_code(secret, step + offset), now), step + offset);
  }
  EXPECT_EQ(match_totp(secret, totp_code(secret, step - 2), now), std::nullopt);
  EXPECT_EQ(match_totp(secret, totp_code(secret, step + 2), now), std::nullopt);
}

TEST(Totp, NeverMatchesAStepAlreadyUsed) {
  const Secret secret = rfc_secret();
  const Time now = at(1'700'000'010);
  const std::int64_t step = totp_step(now);
  const std::string code = totp_code(secret, step);
  EXPECT_EQ(match_totp(secret, code, now, step - 1), step);
  EXPECT_EQ(match_totp(secret, code, now, step), std::nullopt);
  EXPECT_EQ(match_totp(secret, totp_code(secret, step - 1), now, step), std::nullopt);
  EXPECT_EQ(match_totp(secret, totp_code(secret, step + 1), now, step), step + 1);
}

TEST(Totp, TakesSixAsciiDigitsAndNothingElse) {
  const Secret secret = rfc_secret();
  const Time now = at(59);
  ASSERT_TRUE(match_totp(secret, "287082", now));
  for (const std::string_view bad : {"", "28708", "2870820", " 287082", "287082 ", "287 082",
                                     "+87082", "28708a", "0x8708", "\xd9\xa2\xd9\xa8\xd9\xa7"}) {
    EXPECT_FALSE(match_totp(secret, bad, now)) << bad;
    EXPECT_FALSE(is_totp_code(bad)) << bad;
  }
  EXPECT_FALSE(match_totp(secret, std::string_view("28708\0", 6), now));
}

TEST(Totp, MakesSecretsOf160Bits) {
  const Secret secret = generate_totp_secret();
  EXPECT_EQ(secret.size(), 20U);
  EXPECT_EQ(totp_secret_text(secret).size(), 32U);
  EXPECT_FALSE(secret.equals(generate_totp_secret()));
}

TEST(Totp, WritesAKeyUriWithEverythingEscaped) {
  EXPECT_EQ(otpauth_url("Deploy Claw", "a+b@example.com", rfc_secret()),
            "otpauth://totp/Deploy%20Claw:a%2Bb%40example.com"
            "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Deploy%20Claw"
            "&algorithm=SHA1&digits=6&period=30");
  EXPECT_NE(otpauth_url("A", "x&secret=EVIL", rfc_secret()).find("x%26secret%3DEVIL"),
            std::string::npos);
}

}  // namespace
}  // namespace deployclaw::crypto
