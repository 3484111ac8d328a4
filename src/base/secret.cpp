#include "base/secret.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "base/random.hpp"

namespace deployclaw {

void wipe_memory(void* data, std::size_t size) {
  if (data != nullptr && size > 0) OPENSSL_cleanse(data, size);
}

void wipe_string(std::string& text) {
  wipe_memory(text.data(), text.size());
  text.clear();
}

bool equal_constant_time(std::span<const unsigned char> a, std::span<const unsigned char> b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secret Secret::take(std::string&& text) {
  Secret secret = copy_of(text);
  wipe_string(text);
  return secret;
}

Secret Secret::copy_of(std::string_view text) { return copy_of(bytes_of(text)); }

Secret Secret::copy_of(std::span<const unsigned char> bytes) {
  return Secret(Bytes(bytes.begin(), bytes.end()));
}

Secret Secret::random(std::size_t size) {
  Bytes bytes(size);
  random_bytes(bytes);
  return Secret(std::move(bytes));
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

Secret::~Secret() { wipe(); }

bool Secret::equals(const Secret& other) const { return equal_constant_time(bytes_, other.bytes_); }

void Secret::wipe() { wipe_memory(bytes_.data(), bytes_.size()); }

}  // namespace deployclaw
