#include "crypto/hmac.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace deployclaw::crypto {
namespace {

template <std::size_t N>
std::array<unsigned char, N> hmac(const char* digest, std::span<const unsigned char> key,
                                  std::span<const unsigned char> data) {
  std::array<unsigned char, N> out;
  std::size_t size = 0;
  // A null key pointer means "reuse the last key" to OpenSSL; an empty key is a key.
  static constexpr unsigned char kEmpty = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, key.empty() ? &kEmpty : key.data(),
                key.size(), data.data(), data.size(), out.data(), out.size(), &size) == nullptr ||
      size != N) {
    std::abort();
  }
  return out;
}

}  // namespace

Sha256Digest hmac_sha256(std::span<const unsigned char> key, std::span<const unsigned char> data) {
  return hmac<32>("SHA256", key, data);
}

std::array<unsigned char, 20> hmac_sha1(std::span<const unsigned char> key,
                                        std::span<const unsigned char> data) {
  return hmac<20>("SHA1", key, data);
}

}  // namespace deployclaw::crypto
