#include "crypto/aead.hpp"

#include <openssl/evp.h>

#include <limits>
#include <memory>

#include "base/random.hpp"

namespace deployclaw::crypto {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

constexpr std::size_t kLargest = std::numeric_limits<int>::max();  // OpenSSL counts in int

std::unexpected<Error> openssl_failed() { return fail(Code::kInternal, "AES-256-GCM failed"); }

}  // namespace

Result<AeadBox> aead_seal(std::span<const unsigned char, kAeadKeySize> key,
                          std::span<const unsigned char> plaintext,
                          std::span<const unsigned char> aad) {
  std::array<unsigned char, kAeadIvSize> iv;
  random_bytes(iv);
  return aead_seal_with_iv(key, iv, plaintext, aad);
}

Result<AeadBox> aead_seal_with_iv(std::span<const unsigned char, kAeadKeySize> key,
                                  std::span<const unsigned char, kAeadIvSize> iv,
                                  std::span<const unsigned char> plaintext,
                                  std::span<const unsigned char> aad) {
  if (plaintext.size() > kLargest || aad.size() > kLargest) {
    return fail(Code::kTooLarge, "message too large to seal");
  }
  const Context context(EVP_CIPHER_CTX_new());
  AeadBox box;
  std::copy(iv.begin(), iv.end(), box.iv.begin());
  box.ciphertext.resize(plaintext.size());
  int written = 0;
  if (!context ||
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), iv.data(), nullptr) != 1) {
    return openssl_failed();
  }
  if (!aad.empty() && EVP_EncryptUpdate(context.get(), nullptr, &written, aad.data(),
                                        static_cast<int>(aad.size())) != 1) {
    return openssl_failed();
  }
  if (!plaintext.empty() &&
      EVP_EncryptUpdate(context.get(), box.ciphertext.data(), &written, plaintext.data(),
                        static_cast<int>(plaintext.size())) != 1) {
    return openssl_failed();
  }
  if (EVP_EncryptFinal_ex(context.get(), nullptr, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, box.tag.data()) !=
          1) {
    return openssl_failed();
  }
  return box;
}

Result<Secret> aead_open(std::span<const unsigned char, kAeadKeySize> key, const AeadBox& box,
                         std::span<const unsigned char> aad) {
  if (box.ciphertext.size() > kLargest || aad.size() > kLargest) {
    return fail(Code::kTooLarge, "message too large to open");
  }
  const Context context(EVP_CIPHER_CTX_new());
  Bytes plaintext(box.ciphertext.size());
  int written = 0;
  if (!context || EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), box.iv.data(),
                                      nullptr) != 1) {
    return openssl_failed();
  }
  if (!aad.empty() && EVP_DecryptUpdate(context.get(), nullptr, &written, aad.data(),
                                        static_cast<int>(aad.size())) != 1) {
    return openssl_failed();
  }
  if (!box.ciphertext.empty() &&
      EVP_DecryptUpdate(context.get(), plaintext.data(), &written, box.ciphertext.data(),
                        static_cast<int>(box.ciphertext.size())) != 1) {
    wipe_memory(plaintext.data(), plaintext.size());
    return openssl_failed();
  }
  // The Secret owns the bytes from here on, so a failed check wipes them.
  Secret opened(std::move(plaintext));
  std::array<unsigned char, kAeadTagSize> tag = box.tag;
  if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), nullptr, &written) != 1) {
    return fail(Code::kCorrupt, "sealed value does not verify");
  }
  return opened;
}

}  // namespace deployclaw::crypto
