#pragma once

#include <array>
#include <span>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::crypto {

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadIvSize = 12;   // 96 bits: the only length GCM uses unhashed
inline constexpr std::size_t kAeadTagSize = 16;  // 128 bits, never truncated

// One sealed message (AES-256-GCM, NIST SP 800-38D). Not secret.
struct AeadBox {
  std::array<unsigned char, kAeadIvSize> iv{};
  Bytes ciphertext;
  std::array<unsigned char, kAeadTagSize> tag{};
};

// Encrypts `plaintext` under `key` with a fresh random IV and binds `aad` to it. Random IVs are
// safe for at most 2^32 messages per key (SP 800-38D §8.3). kInternal when OpenSSL fails.
Result<AeadBox> aead_seal(std::span<const unsigned char, kAeadKeySize> key,
                          std::span<const unsigned char> plaintext,
                          std::span<const unsigned char> aad);

// As aead_seal with the IV given: for published test vectors only, a repeated IV breaks GCM.
Result<AeadBox> aead_seal_with_iv(std::span<const unsigned char, kAeadKeySize> key,
                                  std::span<const unsigned char, kAeadIvSize> iv,
                                  std::span<const unsigned char> plaintext,
                                  std::span<const unsigned char> aad);

// The plaintext, or kCorrupt when key, IV, ciphertext, tag or `aad` is not the one sealed. Nothing
// of the plaintext is released before the tag has verified.
Result<Secret> aead_open(std::span<const unsigned char, kAeadKeySize> key, const AeadBox& box,
                         std::span<const unsigned char> aad);

}  // namespace deployclaw::crypto
