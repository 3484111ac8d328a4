#pragma once

#include <openssl/types.h>
#include <openssl/x509_vfy.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// Private to this module.
namespace deployclaw::net {

// Trusted authorities that OpenSSL gets when a chain asks for one. A hundred and fifty of them,
// parsed, are most of a megabyte in every process that holds them; a process meets a handful.
class RootCertificates {
 public:
  // Adds every certificate of a PEM bundle; how many. kInvalid when one does not parse.
  Result<std::size_t> add(std::string_view bundle);

  // Has `store` look here for what it does not have. What was found stays in the store. Call it
  // once, after the last add(); this must outlive the store. False when OpenSSL has no memory left.
  [[nodiscard]] bool serve(X509_STORE* store);

 private:
  // The encoded certificate at [at, at + size) of encoded_, by a hash of its subject.
  struct Place {
    std::uint32_t subject = 0;
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  static int find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name,
                             X509_OBJECT* found);
  bool keep(X509* root);
  bool give(X509_STORE* store, const X509_NAME* subject) const;

  struct FreeMethod {
    void operator()(X509_LOOKUP_METHOD* method) const;
  };
  std::string encoded_;        // DER, one behind the other
  std::vector<Place> places_;  // by subject, once served
  std::unique_ptr<X509_LOOKUP_METHOD, FreeMethod> method_;
};

}  // namespace deployclaw::net
