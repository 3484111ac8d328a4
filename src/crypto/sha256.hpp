#pragma once

#include <array>
#include <span>
#include <string>

namespace deployclaw::crypto {

using Sha256Digest = std::array<unsigned char, 32>;

// SHA-256 of `data` (FIPS 180-4). Aborts the process if OpenSSL has no SHA-256: nothing may go on
// without it.
Sha256Digest sha256(std::span<const unsigned char> data);

// The same as 64 lower-case hex digits.
std::string sha256_hex(std::span<const unsigned char> data);

}  // namespace deployclaw::crypto
