#include "crypto/aead.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"

namespace deployclaw::crypto {
namespace {

using Key = std::array<unsigned char, kAeadKeySize>;

template <std::size_t N>
std::array<unsigned char, N> from_hex(std::string_view text) {
  const auto bytes = hex_decode(text);
  std::array<unsigned char, N> out{};
  EXPECT_TRUE(bytes && bytes->size() == N);
  if (bytes && bytes->size() == N) std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

Key random_key() {
  Key key;
  random_bytes(key);
  return key;
}

// McGrew & Viega, "The Galois/Counter Mode of Operation", appendix B, test case 16.
TEST(Aead, MatchesAes256GcmTestCase16) {
  const auto key = from_hex<32>("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const auto iv = from_hex<12>("cafebabefacedbaddecaf888");
  const auto plaintext = hex_decode(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b525b16aedf5aa0de657ba637b39");
  const auto aad = hex_decode("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto box = aead_seal_with_iv(key, iv, *plaintext, *aad);
  ASSERT_TRUE(box);
  EXPECT_EQ(
      hex_encode(box->ciphertext),
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
      "828838c5f61e6393ba7a0abcc9f662");
  EXPECT_EQ(hex_encode(box->tag), "76fc6ece0f4e1768cddf8853bb2d551b");
  const auto opened = aead_open(key, *box, *aad);
  ASSERT_TRUE(opened);
  EXPECT_EQ(hex_encode(opened->expose()), hex_encode(*plaintext));
}

// The same source, test case 13: nothing at all still has a tag.
TEST(Aead, MatchesAes256GcmTestCase13ForTheEmptyMessage) {
  const Key key{};
  const std::array<unsigned char, 12> iv{};
  const auto box = aead_seal_with_iv(key, iv, {}, {});
  ASSERT_TRUE(box);
  EXPECT_TRUE(box->ciphertext.empty());
  EXPECT_EQ(hex_encode(box->tag), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_TRUE(aead_open(key, *box, {}));
}

TEST(Aead, NeverRepeatsAnIv) {
  const Key key = random_key();
  const auto first = aead_seal(key, bytes_of("x"), {});
  const auto second = aead_seal(key, bytes_of("x"), {});
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->iv, second->iv);
  EXPECT_NE(first->ciphertext, second->ciphertext);
}

TEST(Aead, RefusesAnotherKey) {
  const auto box = aead_seal(random_key(), bytes_of("value"), {});
  ASSERT_TRUE(box);
  const auto opened = aead_open(random_key(), *box, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
}

RC_GTEST_PROP(AeadProperty, OpensWhatItSealed, (const Bytes& plaintext, const Bytes& aad)) {
  const Key key = random_key();
  const auto box = aead_seal(key, plaintext, aad);
  RC_ASSERT(box.has_value());
  RC_ASSERT(box->ciphertext.size() == plaintext.size());
  const auto opened = aead_open(key, *box, aad);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(equal_constant_time(opened->expose(), plaintext));
}

RC_GTEST_PROP(AeadProperty, RefusesAnyFlippedBit, (const Bytes& plaintext, const Bytes& aad)) {
  const Key key = random_key();
  auto box = aead_seal(key, plaintext, aad);
  RC_ASSERT(box.has_value());
  Bytes bound = aad;
  const std::size_t total = 12 + box->ciphertext.size() + 16 + bound.size();
  std::size_t at = *rc::gen::inRange<std::size_t>(0, total);
  const auto bit = static_cast<unsigned char>(1U << *rc::gen::inRange(0U, 8U));
  if (at < 12) {
    box->iv[at] ^= bit;
  } else if ((at -= 12) < box->ciphertext.size()) {
    box->ciphertext[at] ^= bit;
  } else if ((at -= box->ciphertext.size()) < 16) {
    box->tag[at] ^= bit;
  } else {
    bound[at - 16] ^= bit;
  }
  const auto opened = aead_open(key, *box, bound);
  RC_ASSERT(!opened.has_value());
  RC_ASSERT(opened.error().code == Code::kCorrupt);
}

}  // namespace
}  // namespace deployclaw::crypto
