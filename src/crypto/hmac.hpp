#pragma once

#include <array>
#include <span>

#include "crypto/sha256.hpp"

namespace deployclaw::crypto {

// HMAC-SHA-256 (RFC 2104, FIPS 198-1). Any key length. Compare results with equal_constant_time.
Sha256Digest hmac_sha256(std::span<const unsigned char> key, std::span<const unsigned char> data);

// HMAC-SHA-1, for TOTP alone (RFC 6238 authenticator apps know nothing else).
std::array<unsigned char, 20> hmac_sha1(std::span<const unsigned char> key,
                                        std::span<const unsigned char> data);

}  // namespace deployclaw::crypto
