// A client connection of the egress bench: TCP, CONNECT through a proxy when there is one, TLS,
// then requests one after the other. Non-blocking; epoll tells when to go on.

#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "egress_response.hpp"

namespace deployclaw::bench {

// Where connections go. Outlives them.
struct Target {
  sockaddr_in address{};  // the proxy, or the server itself
  std::string tunnel;     // authority for CONNECT; empty without a proxy
  std::string host;       // server name, and what the certificate must be for
  SSL_CTX* context = nullptr;
  // The first connection of a run checks the certificate; then the client's CPU is left to the
  // load.
  bool verified = false;
};

// CLOCK_MONOTONIC in nanoseconds: the clock that the origin's events carry.
std::int64_t now_ns();

// One thread only. Not copyable: the kernel knows its address.
class Connection {
 public:
  enum class Event {
    kWaiting,   // nothing to do until epoll says so
    kOpened,    // TLS is up: send the first request
    kAnswered,  // the whole answer is there
    kFailed,    // see failure(); close() and open() it again
  };

  explicit Connection(Target& target) : target_(target) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts to connect and registers with `epoll`, edge-triggered, with this as its data.
  void open(int epoll);
  void close();

  // Sends `request`, which must stay until the answer is there. Call advance() after it.
  void send(std::string_view request);

  // Goes on as far as it can.
  Event advance();

  // Body bytes are kept here when `keep_body(true)`; the user clears them.
  std::string& body() { return body_; }
  void keep_body(bool keep) { keep_body_ = keep; }

  bool is_open() const { return socket_ >= 0; }
  std::int64_t opened_at() const { return opened_at_; }  // when open() was called
  std::int64_t sent_at() const { return sent_at_; }      // when send() was called
  std::uint64_t received() const { return reader_.body_bytes(); }
  int status() const { return reader_.status(); }
  const char* failure() const { return failure_; }

 private:
  enum class Stage { kConnecting, kTunnelling, kShaking, kReady, kSending, kReading };

  Event fail(const char* why);
  Event wait_or_fail(int result, const char* why);
  Event connect_step();
  Event tunnel_step();
  Event shake_step();
  Event send_step();
  Event read_step();
  bool start_tls();

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  Target& target_;
  int socket_ = -1;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  Stage stage_ = Stage::kConnecting;
  std::string_view request_;
  std::size_t sent_ = 0;
  std::string tunnel_answer_;
  ResponseReader reader_;
  std::string body_;
  bool keep_body_ = false;
  std::int64_t opened_at_ = 0;
  std::int64_t sent_at_ = 0;
  const char* failure_ = "";
};

}  // namespace deployclaw::bench
