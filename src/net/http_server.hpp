#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "http/wire.hpp"
#include "net/byte_stream.hpp"

namespace deployclaw::net {

// Answers one request. Runs on the connection's coroutine; cancelled when the server's grace ends.
using HttpHandler = std::function<Task<http::Response>(http::Request)>;

// A connection that is not answered by the handler, from a head on.
struct Diverted {
  http::RequestHead head;
  std::shared_ptr<ByteStream> stream;  // begins with what follows the head
  std::string remote_address;
  std::string request_id;
};

// Takes connections over whole, for what no answer can be: a tunnel, a proxied exchange.
struct Diversion {
  // Asked for each head, before its body is read.
  std::function<bool(const http::RequestHead&)> wants;
  // Owns the connection from then on; it ends when this returns. Cancelled, with the stream
  // interrupted, when the server stops.
  std::function<Task<void>(Diverted)> carry;
};

// Each timeout is one deadline for its whole phase, so a sender of one byte a second gains nothing.
// They are kept to a quarter of a second.
struct ServerOptions {
  std::size_t max_head_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1024 * 1024;
  std::size_t max_connections = 20'000;            // above it, new connections are closed at once
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a head
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};   // keep-alive without a byte
  std::chrono::milliseconds write_timeout{30'000};  // one response, or one chunk of a stream
};

// An HTTP/1.1 server: keep-alive, pipelining (answers in order), chunked streams with
// back-pressure. One coroutine per connection; everything on the executor's one thread. Every
// answer carries Date and X-Request-Id (always ours). What is malformed or ambiguous is answered
// with a problem document and the connection ends.
class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, HttpHandler handler,
             ServerOptions options = {});
  // stop() must have returned, or the io_context must never run again.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Call before listening.
  void divert(Diversion diversion);

  // Listens on an IP address; port 0 picks one. Returns the port.
  Result<std::uint16_t> listen_tcp(const std::string& address, std::uint16_t port);
  // Listens on a unix socket; a stale socket file is replaced, a live one is kConflict. `mode` is
  // the file's permission bits.
  Status listen_unix(const std::string& path, unsigned mode);
  // Stops accepting, ends idle connections and streams, lets running requests finish for at most
  // `grace`, then cancels them. Returns when all is gone.
  Task<void> stop(std::chrono::milliseconds grace);

  [[nodiscard]] std::size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::net
