#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "net/tls.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {
namespace {

constexpr std::string_view kHost = "warm.invalid";
// Not the host's, or its certificate would be taken for one that signs itself.
constexpr std::string_view kAuthority = "Warming up";
constexpr std::uint16_t kPort = 443;
constexpr int kMostTurns = 16;  // a handshake takes three

// Takes its end of the handshake as far as it goes; false when it cannot succeed any more.
bool take_turn(SSL* ssl) {
  const int done = SSL_do_handshake(ssl);
  return done == 1 || SSL_get_error(ssl, done) == SSL_ERROR_WANT_READ;
}

bool shake_hands(SSL* client, SSL* server) {
  for (int turn = 0; turn < kMostTurns; ++turn) {
    if (!take_turn(client) || !take_turn(server)) return false;
    if (SSL_is_init_finished(client) == 1 && SSL_is_init_finished(server) == 1) return true;
  }
  return false;
}

// One small record from one end to the other.
bool pass_record(SSL* from, SSL* to) {
  char byte = 'x';
  std::size_t count = 0;
  return SSL_write_ex(from, &byte, 1, &count) == 1 && SSL_read_ex(to, &byte, 1, &count) == 1;
}

}  // namespace

Status warm_up_tls(const Clock& clock) {
  auto authority = crypto::make_authority(kAuthority, clock.now());
  if (!authority) return fail(authority.error());
  auto minter = crypto::LeafMinter::create(authority->certificate_pem, authority->private_key_pem);
  if (!minter) return fail(minter.error());
  auto contexts = TlsServerContexts::create(std::move(*minter), clock);
  if (!contexts) return fail(contexts.error());
  auto roots = TlsClientContext::create(authority->certificate_pem);
  if (!roots) return fail(roots.error());
  const auto server = contexts->start(kHost);
  if (!server) return fail(server.error());
  const auto client = roots->start(kHost, kPort);
  if (!client) return fail(client.error());

  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  if (BIO_new_bio_pair(&client_end, 0, &server_end, 0) != 1) {
    return fail(Code::kInternal, "TLS: cannot make a pair of ends");
  }
  SSL_set_bio(client->get(), client_end, client_end);
  SSL_set_bio(server->get(), server_end, server_end);
  const bool works = shake_hands(client->get(), server->get()) &&
                     pass_record(client->get(), server->get()) &&
                     pass_record(server->get(), client->get());
  clear_tls_errors();
  if (!works) return fail(Code::kInternal, "TLS: a handshake with ourselves failed");
  return {};
}

}  // namespace deployclaw::net
