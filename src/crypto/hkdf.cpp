#include "crypto/hkdf.hpp"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>

namespace deployclaw::crypto {
namespace {

constexpr std::size_t kLargestOutput = std::size_t{255} * 32;  // RFC 5869 §2.3

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
};
struct FreeContext {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

// OSSL_PARAM wants a mutable pointer but only reads it when a context is set from it.
OSSL_PARAM octets(const char* name, std::span<const unsigned char> data) {
  static unsigned char none = 0;
  unsigned char* bytes = data.empty() ? &none : const_cast<unsigned char*>(data.data());
  return OSSL_PARAM_construct_octet_string(name, bytes, data.size());
}

}  // namespace

Result<Secret> hkdf_sha256(std::span<const unsigned char> key_material,
                           std::span<const unsigned char> salt, std::span<const unsigned char> info,
                           std::size_t size) {
  if (size == 0 || size > kLargestOutput) {
    return fail(Code::kInvalid, "HKDF output must be 1 to 8160 bytes");
  }
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  if (!kdf) return fail(Code::kInternal, "HKDF is not available");
  const std::unique_ptr<EVP_KDF_CTX, FreeContext> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return fail(Code::kInternal, "HKDF failed");

  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, key_material), octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  Bytes out(size);
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) != 1) {
    return fail(Code::kInternal, "HKDF failed");
  }
  return Secret(std::move(out));
}

}  // namespace deployclaw::crypto
