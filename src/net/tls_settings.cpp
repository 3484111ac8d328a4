#include "net/tls_settings.hpp"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <cstdlib>

#include "net/tls.hpp"

namespace deployclaw::net {
namespace {

// AES-128 first: it is the fastest where the processor has AES, and nothing here outlives its
// strength.
constexpr auto kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// Forward secret ones only; block modes last, for old servers.
constexpr auto kSuites12 = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL";
constexpr auto kGroups = "X25519:P-256:P-384";

// OpenSSL's buffers for records, a little over 16 KiB, come and go with every message. The C
// library takes such sizes apart and joins them again each time, which is a tenth of a small
// request's work; a few are kept aside here, for this thread's next message.
constexpr std::size_t kLeastKept = 16UL * 1024;
constexpr std::size_t kMostKept = 18UL * 1024;
constexpr std::size_t kKept = 8;

// Without a destructor: OpenSSL frees its last memory after a thread's own objects are gone.
struct KeptBuffers {
  std::array<void*, kKept> free{};
  std::size_t count = 0;
};
constinit thread_local KeptBuffers kept;

void* take_memory(std::size_t size, const char* /*file*/, int /*line*/) {
  if (size <= kLeastKept || size > kMostKept) return std::malloc(size);
  // All that are kept are as large as the largest.
  return kept.count == 0 ? std::malloc(kMostKept) : kept.free[--kept.count];
}

void give_memory(void* memory, const char* /*file*/, int /*line*/) {
  const std::size_t size = malloc_usable_size(memory);
  if (size >= kMostKept && size < kMostKept + 64 && kept.count < kKept) {
    kept.free[kept.count++] = memory;
  } else {
    std::free(memory);
  }
}

void* resize_memory(void* memory, std::size_t size, const char* /*file*/, int /*line*/) {
  return std::realloc(memory, size);
}

}  // namespace

bool keep_tls_buffers() {
  return CRYPTO_set_mem_functions(take_memory, resize_memory, give_memory) == 1;
}

void give_back_tls_buffers() {
  while (kept.count > 0) std::free(kept.free[--kept.count]);
}

void FreeSsl::operator()(SSL* ssl) const {
  // OpenSSL forbids resuming the session of a connection that was not shut down. That rule is of
  // SSL 2; whether the end was a truncation is ByteStream's to say.
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}

void FreeSslContext::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

SslContext make_tls_context(bool server) {
  SslContext context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* raw = context.get();
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(raw, kSuites13) != 1 ||
      SSL_CTX_set_cipher_list(raw, kSuites12) != 1 || SSL_CTX_set1_groups_list(raw, kGroups) != 1) {
    return nullptr;
  }
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One system call for a record instead of one for its head and one for its body.
  SSL_CTX_set_read_ahead(raw, 1);
  return context;
}

void clear_tls_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

const char* describe_certificate_failure(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate is not yet valid";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "the certificate is for another host name";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate is for another address";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate is self-signed and not trusted";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate's authority is not trusted";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "the certificate's signature is wrong";
    case X509_V_ERR_INVALID_PURPOSE:
      return "the certificate is not for a server";
    case X509_V_ERR_INVALID_CA:
      return "the certificate was signed by what is no authority";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "the certificate's keys or hashes are too weak";
    default:
      return X509_verify_cert_error_string(verify_result);
  }
}

std::string describe_tls_error(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "protocol error" : reason;
}

}  // namespace deployclaw::net
