#include <openssl/ssl.h>

#include <chrono>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "crypto/sha256.hpp"
#include "net/lru_map.hpp"
#include "net/tls.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {
namespace {

constexpr std::string_view kHttp11 = "http/1.1";
constexpr std::chrono::days kRenewBefore{1};

// Takes http/1.1 where the client offers it; a client that insists on something else is refused
// with no_application_protocol (RFC 7301 §3.2), since we would not speak it.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void* /*context*/) {
  std::span<const unsigned char> offered(in, in_size);
  while (!offered.empty()) {
    const std::size_t size = offered.front();
    if (size + 1 > offered.size()) break;
    const auto name = offered.subspan(1, size);
    if (std::string_view(reinterpret_cast<const char*>(name.data()), size) == kHttp11) {
      *out = name.data();
      *out_size = static_cast<unsigned char>(size);
      return SSL_TLSEXT_ERR_OK;
    }
    offered = offered.subspan(size + 1);
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct Leaf {
  crypto::Certificate certificate;
  Time minted;
};

}  // namespace

struct TlsServerContexts::State {
  State(crypto::LeafMinter leaf_minter, const Clock& now, std::size_t capacity)
      : minter(std::move(leaf_minter)), clock(now), leaves(capacity) {}

  // The certificate for `host`, cached or new. Null with `error` set when it cannot be made.
  Result<X509*> leaf(std::string_view host) {
    const Time now = clock.now();
    if (const Leaf* present = leaves.find(host)) {
      const bool ages = now >= present->minted + crypto::LeafMinter::kAfter - kRenewBefore;
      const bool from_the_future = now < present->minted - crypto::LeafMinter::kBefore;
      if (!ages && !from_the_future) return present->certificate.get();
    }
    auto certificate = minter.mint(host, now);
    if (!certificate) return fail(std::move(certificate).error());
    ++minted;
    return leaves.put(host, Leaf{*std::move(certificate), now}).certificate.get();
  }

  crypto::LeafMinter minter;
  const Clock& clock;
  LruMap<Leaf> leaves;
  SslContext context;
  std::uint64_t minted = 0;
};

TlsServerContexts::TlsServerContexts(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServerContexts::TlsServerContexts(TlsServerContexts&&) noexcept = default;
TlsServerContexts& TlsServerContexts::operator=(TlsServerContexts&&) noexcept = default;
TlsServerContexts::~TlsServerContexts() = default;

Result<TlsServerContexts> TlsServerContexts::create(crypto::LeafMinter minter, const Clock& clock,
                                                    std::size_t capacity) {
  auto state = std::make_unique<State>(std::move(minter), clock, capacity);
  state->context = make_tls_context(true);
  SSL_CTX* raw = state->context.get();
  // The key is the same for every leaf, so connections differ in their certificate only.
  if (raw == nullptr || SSL_CTX_use_PrivateKey(raw, state->minter.leaf_key()) != 1) {
    clear_tls_errors();
    return fail(Code::kInternal, "TLS: cannot make a server context");
  }
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  // Resumption is by tickets, which cost no memory here; their keys are OpenSSL's, random.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  return TlsServerContexts(std::move(state));
}

Result<SslHandle> TlsServerContexts::start(std::string_view host) {
  const auto leaf = state_->leaf(host);
  if (!leaf) return fail(leaf.error());
  clear_tls_errors();
  SslHandle ssl(SSL_new(state_->context.get()));
  // A session is bound to its host: a ticket for one is no ticket for another.
  const crypto::Sha256Digest digest = crypto::sha256(bytes_of(host));
  static_assert(digest.size() <= SSL_MAX_SID_CTX_LENGTH);
  if (!ssl || SSL_use_certificate(ssl.get(), *leaf) != 1 ||
      SSL_set_session_id_context(ssl.get(), digest.data(),
                                 static_cast<unsigned int>(digest.size())) != 1) {
    clear_tls_errors();
    return fail(Code::kInternal, "TLS: cannot begin a server's end");
  }
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::uint64_t TlsServerContexts::minted() const { return state_->minted; }

std::size_t TlsServerContexts::cached() const { return state_->leaves.size(); }

}  // namespace deployclaw::net
