#pragma once

#include <span>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::crypto {

// HKDF-SHA-256, extract and expand (RFC 5869): `size` bytes (1 to 8160) from the input key
// material. Every use has its own `info`, so that keys of different purposes are independent.
// kInvalid for a size out of range, kInternal when OpenSSL fails.
Result<Secret> hkdf_sha256(std::span<const unsigned char> key_material,
                           std::span<const unsigned char> salt, std::span<const unsigned char> info,
                           std::size_t size);

}  // namespace deployclaw::crypto
