#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/hmac.hpp"
#include "crypto/sha256.hpp"

namespace deployclaw::crypto {
namespace {

// FIPS 180-4 examples.
TEST(Sha256, MatchesThePublishedExamples) {
  EXPECT_EQ(sha256_hex(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231 §4.2, §4.3 and §4.7 (a key longer than the block).
TEST(HmacSha256, MatchesRfc4231) {
  const Bytes key(20, 0x0b);
  EXPECT_EQ(hex_encode(hmac_sha256(key, bytes_of("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_encode(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const Bytes long_key(131, 0xaa);
  EXPECT_EQ(hex_encode(hmac_sha256(
                long_key, bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesAnEmptyKeyAndMessage) {
  EXPECT_EQ(hex_encode(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 2202 §3, case 2.
TEST(HmacSha1, MatchesRfc2202) {
  EXPECT_EQ(hex_encode(hmac_sha1(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

// RFC 5869, appendix A.1.
TEST(Hkdf, MatchesRfc5869Case1) {
  const Bytes key(22, 0x0b);
  const auto salt = hex_decode("000102030405060708090a0b0c");
  const auto info = hex_decode("f0f1f2f3f4f5f6f7f8f9");
  const auto out = hkdf_sha256(key, *salt, *info, 42);
  ASSERT_TRUE(out);
  EXPECT_EQ(hex_encode(out->expose()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// RFC 5869, appendix A.3: no salt, no info.
TEST(Hkdf, MatchesRfc5869Case3) {
  const Bytes key(22, 0x0b);
  const auto out = hkdf_sha256(key, {}, {}, 42);
  ASSERT_TRUE(out);
  EXPECT_EQ(hex_encode(out->expose()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, RefusesSizesTheRfcDoesNotDefine) {
  EXPECT_FALSE(hkdf_sha256(bytes_of("k"), {}, {}, 0));
  EXPECT_TRUE(hkdf_sha256(bytes_of("k"), {}, {}, 8160));
  EXPECT_FALSE(hkdf_sha256(bytes_of("k"), {}, {}, 8161));
}

}  // namespace
}  // namespace deployclaw::crypto
