#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "crypto/certificates.hpp"

// TLS 1.2 and 1.3 for ByteStream: what a server shows and what a client believes. ALPN is http/1.1
// alone, no compression, no renegotiation, no early data. One thread.
namespace deployclaw::net {

struct FreeSsl {
  void operator()(SSL* ssl) const;
};
using SslHandle = std::unique_ptr<SSL, FreeSsl>;

// Has OpenSSL's buffers for records used again instead of allocated for each message, in the whole
// process. Before its first use of OpenSSL; false, and nothing changes, when it comes too late.
bool keep_tls_buffers();
// Frees what is kept for this thread, until more is needed.
void give_back_tls_buffers();

// Stands in for any host with certificates of the client's authority. Minting is synchronous, so a
// host's certificate is made once however many connections ask for it; the last `capacity` hosts
// are kept and made anew a day before they expire. All share one OpenSSL context, one leaf key and
// random session ticket keys, so that a host costs a kilobyte and clients resume.
class TlsServerContexts {
 public:
  // `clock` must outlive this.
  static Result<TlsServerContexts> create(crypto::LeafMinter minter, const Clock& clock,
                                          std::size_t capacity = 256);
  TlsServerContexts(TlsServerContexts&&) noexcept;
  TlsServerContexts& operator=(TlsServerContexts&&) noexcept;
  ~TlsServerContexts();

  // The server's end of one connection that shows `host`. kInvalid when `host` is not a lower-case
  // DNS name.
  Result<SslHandle> start(std::string_view host);

  [[nodiscard]] std::uint64_t minted() const;
  [[nodiscard]] std::size_t cached() const;

 private:
  struct State;
  explicit TlsServerContexts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Verifies servers against given roots, by host name (RFC 9525: subject alternative names only, no
// partial wildcards) or IP address. Remembers the last session of the last `capacity` host and port
// pairs for at most two hours, so that the next connection is resumed. Revocation is not checked.
// Roots are kept as they were encoded, a sixth of a megabyte of a system's, and parsed when a chain
// first asks for one: make it once, before a fork where there is one.
class TlsClientContext {
 public:
  // `roots` and `extra_roots` are PEM bundles (certificates, anything between them is ignored).
  // kInvalid when there is no certificate at all or one does not parse.
  static Result<TlsClientContext> create(std::string_view roots, std::string_view extra_roots = {},
                                         std::size_t capacity = 256);
  TlsClientContext(TlsClientContext&&) noexcept;
  TlsClientContext& operator=(TlsClientContext&&) noexcept;
  ~TlsClientContext();

  // The client's end of one connection to `host`: a lower-case DNS name or an IP address, kInvalid
  // otherwise. This must outlive it.
  Result<SslHandle> start(std::string_view host, std::uint16_t port);

  [[nodiscard]] std::size_t sessions() const;

 private:
  struct State;
  explicit TlsClientContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Makes a connection from itself to itself below an authority that is thrown away. What OpenSSL
// finds out and keeps at its first use (its algorithms and their tables, some hundred kilobytes) is
// in memory then that processes forked afterwards share, and they do not find it out again. An
// error says that no connection will work here. Takes a few milliseconds.
Status warm_up_tls(const Clock& clock);

}  // namespace deployclaw::net
