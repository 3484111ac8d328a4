// ByteStream under TLS.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "net/byte_stream.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {

// OpenSSL's reads and writes, done by a ByteStream: what was peeked comes first, and unlike
// OpenSSL's own socket BIO it never raises SIGPIPE and keeps no buffer.
struct SocketBio {
  static ByteStream& stream(BIO* bio) { return *static_cast<ByteStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const Progress progress = stream(bio).receive(data, static_cast<std::size_t>(size));
    if (progress.kind == Progress::Kind::kWantRead) BIO_set_retry_read(bio);
    if (progress.kind == Progress::Kind::kEnd) return 0;
    return progress.count > 0 ? static_cast<int>(progress.count) : -1;
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const Progress progress = stream(bio).send({data, static_cast<std::size_t>(size)});
    if (progress.kind == Progress::Kind::kWantWrite) BIO_set_retry_write(bio);
    return progress.count > 0 ? static_cast<int>(progress.count) : -1;
  }

  // The end of the socket is ours to judge (BIO_CTRL_EOF stays 0): OpenSSL would forbid writing
  // too.
  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      if (fresh == nullptr || BIO_meth_set_read(fresh, read) != 1 ||
          BIO_meth_set_write(fresh, write) != 1 || BIO_meth_set_ctrl(fresh, control) != 1) {
        return static_cast<BIO_METHOD*>(nullptr);
      }
      return fresh;  // lives as long as the process
    }();
    return made;
  }
};

namespace {

constexpr int kLargest = std::numeric_limits<int>::max();

bool is_certificate_failure(const SSL* ssl, unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
         SSL_get_verify_result(ssl) != X509_V_OK;
}

}  // namespace

void ByteStream::begin_tls_call() {
  clear_tls_errors();
  system_error_ = 0;  // so that tls_outcome() sees this call's only
}

Progress ByteStream::tls_outcome(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return {.kind = Progress::Kind::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {.kind = Progress::Kind::kWantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {.kind = Progress::Kind::kEnd};
    case SSL_ERROR_SYSCALL:
      // Nothing was said of a broken protocol: the socket ended, or failed with system_error_.
      if (system_error_ != 0 || !socket_ended_) return {};
      truncated_ = true;
      return {.kind = Progress::Kind::kEnd};
    default:
      tls_broken_ = true;
      tls_error_ = ERR_peek_last_error();
      clear_tls_errors();
      return {};
  }
}

Progress ByteStream::read_tls(char* data, std::size_t size) {
  if (tls_broken_) return {};
  std::size_t total = 0;
  // Several records at once where they have come together.
  do {
    begin_tls_call();
    std::size_t count = 0;
    const int returned = SSL_read_ex(ssl_.get(), data + total, size - total, &count);
    if (returned != 1) {
      const Progress outcome = tls_outcome(returned);
      if (total == 0) return outcome;
      break;  // whatever it was comes again with the next call
    }
    total += count;
  } while (total < size && SSL_has_pending(ssl_.get()) == 1);
  return {.kind = Progress::Kind::kBytes, .count = total};
}

Progress ByteStream::write_tls(std::string_view bytes) {
  if (tls_broken_) return {};
  std::size_t total = 0;
  while (total < bytes.size()) {
    begin_tls_call();
    const std::string_view rest = bytes.substr(total, kLargest);
    std::size_t count = 0;
    const int returned = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &count);
    if (returned != 1) {
      const Progress outcome = tls_outcome(returned);
      if (total > 0) break;
      return outcome.kind == Progress::Kind::kEnd ? Progress{} : outcome;
    }
    total += count;
  }
  return {.kind = Progress::Kind::kBytes, .count = total};
}

Status ByteStream::attach(SslHandle ssl) {
  if (ssl_) return fail(Code::kInternal, "TLS inside TLS");
  BIO* bio = SocketBio::method() == nullptr ? nullptr : BIO_new(SocketBio::method());
  if (bio == nullptr) return fail(Code::kInternal, "TLS: no memory");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);  // which owns it from here on
  ssl_ = std::move(ssl);
  return {};
}

Task<Status> ByteStream::handshake() {
  while (!timed_out_ && !interrupted_) {
    begin_tls_call();
    const int returned = SSL_do_handshake(ssl_.get());
    if (returned == 1) {
      shaken_ = true;
      co_return Status{};
    }
    const Progress progress = tls_outcome(returned);
    if (!must_wait(progress.kind)) break;
    const bool ready = co_await wait(progress.kind);
    if (!ready) break;
  }
  if (!interrupted_ && tls_broken_ && is_certificate_failure(ssl_.get(), tls_error_)) {
    co_return fail(Code::kForbidden, "upstream_certificate",
                   describe_certificate_failure(SSL_get_verify_result(ssl_.get())));
  }
  co_return context("handshake", failure());
}

Task<Status> ByteStream::handshake_server(TlsServerContexts& contexts, std::string host) {
  auto ssl = contexts.start(host);
  if (!ssl) co_return fail(std::move(ssl).error());
  const Status attached = attach(*std::move(ssl));
  if (!attached) co_return attached;
  auto shaken = co_await handshake();
  co_return shaken;
}

Task<Status> ByteStream::handshake_client(TlsClientContext& context, std::string host,
                                          std::uint16_t port) {
  auto ssl = context.start(host, port);
  if (!ssl) co_return fail(std::move(ssl).error());
  const Status attached = attach(*std::move(ssl));
  if (!attached) co_return attached;
  auto shaken = co_await handshake();
  co_return shaken;
}

void ByteStream::tell_end() {
  if (!ssl_ || !shaken_ || tls_broken_ || !socket_.is_open()) return;
  clear_tls_errors();
  SSL_shutdown(ssl_.get());  // once, and whether it went or not
  clear_tls_errors();
}

bool ByteStream::resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) == 1; }

bool ByteStream::alive_and_idle() {
  if (!socket_.is_open() || timed_out_ || interrupted_ || tls_broken_ || !ahead_.empty()) {
    return false;
  }
  char byte = 0;
  const bool nothing_came = socket_.is_quiet() || (::recv(socket_.native_handle(), &byte, 1,
                                                          MSG_PEEK | MSG_DONTWAIT) < 0 &&
                                                   (errno == EAGAIN || errno == EWOULDBLOCK));
  // OpenSSL need not be asked what nothing means.
  if (!ssl_ || (nothing_came && SSL_has_pending(ssl_.get()) == 0)) return nothing_came;
  drained_ = false;
  begin_tls_call();
  std::size_t count = 0;
  const int returned = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
  return returned != 1 && tls_outcome(returned).kind == Progress::Kind::kWantRead;
}

}  // namespace deployclaw::net
