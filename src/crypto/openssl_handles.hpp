#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>

// OpenSSL's objects for X.509, freed when they leave. Private to this module.
namespace deployclaw::crypto {

template <auto kFree>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Freeing<&EVP_PKEY_free>>;
using Name = std::unique_ptr<X509_NAME, Freeing<&X509_NAME_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freeing<&X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Freeing<&BN_free>>;
using MemoryBio = std::unique_ptr<BIO, Freeing<&BIO_free_all>>;

}  // namespace deployclaw::crypto
