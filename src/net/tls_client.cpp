#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <utility>

#include "net/lru_map.hpp"
#include "net/root_certificates.hpp"
#include "net/tls.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {
namespace {

constexpr std::array<unsigned char, 9> kOnlyHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr long kSessionSeconds = 2L * 60 * 60;

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, FreeSession>;

// Where a connection keeps the name its sessions are stored by; freed with it.
int key_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* key, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::string*>(key);
      });
  return index;
}

bool is_fresh(const SSL_SESSION* session) {
  const long age = static_cast<long>(std::time(nullptr)) - SSL_SESSION_get_time(session);
  return age >= 0 && age < kSessionSeconds && SSL_SESSION_is_resumable(session) == 1;
}

// Whom the handshake must prove to reach: a name (told by SNI) or an address (never told).
bool expect_peer(SSL* ssl, std::string host) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (crypto::is_certificate_host(host)) {
    return X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
  }
  return X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
}

}  // namespace

struct TlsClientContext::State {
  explicit State(std::size_t capacity) : sessions(capacity) {}

  // OpenSSL hands over each new session, TLS 1.3's tickets too. 1: we keep it.
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* state = static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto* key = static_cast<const std::string*>(SSL_get_ex_data(ssl, key_index()));
    if (state == nullptr || key == nullptr) return 0;
    state->sessions.put(*key, Session(session));
    return 1;
  }

  LruMap<Session> sessions;
  RootCertificates roots;
  SslContext context;  // asks the roots: the first to go
};

TlsClientContext::TlsClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

Result<TlsClientContext> TlsClientContext::create(std::string_view roots,
                                                  std::string_view extra_roots,
                                                  std::size_t capacity) {
  auto state = std::make_unique<State>(capacity);
  state->context = make_tls_context(false);
  SSL_CTX* raw = state->context.get();
  // Alone among OpenSSL's calls, this one answers 0 when it has worked.
  if (raw == nullptr || key_index() < 0 ||
      SSL_CTX_set_alpn_protos(raw, kOnlyHttp11.data(), kOnlyHttp11.size()) != 0) {
    clear_tls_errors();
    return fail(Code::kInternal, "TLS: cannot make a client context");
  }
  const auto given = state->roots.add(roots);
  if (!given) return fail(given.error());
  const auto extra = state->roots.add(extra_roots);
  if (!extra) return context("extra roots", extra.error());
  if (*given + *extra == 0) return fail(Code::kInvalid, "there are no root certificates");
  if (!state->roots.serve(SSL_CTX_get_cert_store(raw))) {
    return fail(Code::kInternal, "TLS: cannot serve root certificates");
  }
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_timeout(raw, kSessionSeconds);
  SSL_CTX_set_app_data(raw, state.get());
  SSL_CTX_sess_set_new_cb(raw, &State::keep_session);
  return TlsClientContext(std::move(state));
}

Result<SslHandle> TlsClientContext::start(std::string_view host, std::uint16_t port) {
  const std::string name(host);
  clear_tls_errors();
  SslHandle ssl(SSL_new(state_->context.get()));
  if (!ssl) return fail(Code::kInternal, "TLS: cannot begin a client's end");
  if (!expect_peer(ssl.get(), name)) {
    clear_tls_errors();
    return fail(Code::kInvalid, "TLS goes to a lower-case DNS name or an IP address");
  }
  auto key = std::make_unique<std::string>(name + "|" + std::to_string(port));
  if (Session* session = state_->sessions.find(*key)) {
    if (!is_fresh(session->get())) {
      state_->sessions.erase(*key);
    } else if (SSL_set_session(ssl.get(), session->get()) != 1) {
      clear_tls_errors();
    }
  }
  if (SSL_set_ex_data(ssl.get(), key_index(), key.get()) == 1) static_cast<void>(key.release());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::size_t TlsClientContext::sessions() const { return state_->sessions.size(); }

}  // namespace deployclaw::net
