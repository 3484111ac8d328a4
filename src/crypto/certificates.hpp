#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

// X.509 (RFC 5280) for interception: an authority per client and short-lived leaves under it.
namespace deployclaw::crypto {

struct FreeCertificate {
  void operator()(X509* certificate) const;
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;

// A certificate authority. The certificate may be shown to anyone.
struct Authority {
  std::string certificate_pem;
  Secret private_key_pem;  // PKCS #8, unencrypted
};

inline constexpr std::chrono::days kAuthorityValidity{3650};

// A new self-signed authority: ECDSA P-256, random 128-bit serial, CA with path length 0, may sign
// certificates only. Valid from a day before `now` for `validity`. `common_name` is 1 to 64 bytes
// of UTF-8: kInvalid otherwise. Thread-safe.
Result<Authority> make_authority(std::string_view common_name, Time now,
                                 std::chrono::seconds validity = kAuthorityValidity);

// True for a lower-case DNS name that a certificate may carry: 1 to 253 bytes of letters, digits
// and hyphens in labels of 1 to 63, no trailing dot, the last label not a number (so no IPv4
// address).
bool is_certificate_host(std::string_view host);

// Makes leaf certificates for DNS names under one authority. All share one key pair, made here, so
// a leaf costs one signature. One thread at a time.
class LeafMinter {
 public:
  static constexpr std::chrono::days kBefore{1};  // a leaf is valid from now - kBefore
  static constexpr std::chrono::days kAfter{7};   // to now + kAfter

  // kInvalid when the certificate or the key cannot be read or do not belong together; the text
  // never shows the key.
  static Result<LeafMinter> create(std::string_view authority_certificate_pem,
                                   const Secret& authority_private_key_pem);
  LeafMinter(LeafMinter&&) noexcept;
  LeafMinter& operator=(LeafMinter&&) noexcept;
  ~LeafMinter();

  // A TLS server certificate for exactly `host`. kInvalid unless is_certificate_host(host).
  Result<Certificate> mint(std::string_view host, Time now) const;

  // The leaves' private key; lives as long as this.
  [[nodiscard]] EVP_PKEY* leaf_key() const;

 private:
  struct State;
  explicit LeafMinter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::crypto
