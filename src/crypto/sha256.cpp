#include "crypto/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>

#include "base/encoding.hpp"

namespace deployclaw::crypto {

Sha256Digest sha256(std::span<const unsigned char> data) {
  Sha256Digest digest;
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    std::abort();
  }
  return digest;
}

std::string sha256_hex(std::span<const unsigned char> data) { return hex_encode(sha256(data)); }

}  // namespace deployclaw::crypto
