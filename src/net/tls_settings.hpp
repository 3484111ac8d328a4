#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

// What both ends of TLS have alike. Private to this module.
namespace deployclaw::net {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const;
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

// A context with our protocol versions, ciphers and buffer modes; `server` or client. Null when
// OpenSSL has no memory left.
SslContext make_tls_context(bool server);

// Empties this thread's OpenSSL error queue: what is left there would be taken for the next call's.
void clear_tls_errors();

// A fixed English text for an X.509 verification result (X509_V_ERR_*). Holds no byte of the peer.
const char* describe_certificate_failure(long verify_result);

// OpenSSL's own fixed text for a packed error code; "protocol error" when it has none.
std::string describe_tls_error(unsigned long error);

}  // namespace deployclaw::net
