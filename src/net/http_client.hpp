#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"

namespace deployclaw::net {

// Where a server listens: a unix socket, or a TCP host (address or name) and port.
struct Endpoint {
  std::string unix_path;  // used when not empty
  std::string host;
  std::uint16_t port = 0;
  static Endpoint unix_socket(std::string path) { return {std::move(path), {}, 0}; }
  static Endpoint tcp(std::string host, std::uint16_t port) { return {{}, std::move(host), port}; }
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string to_string() const;
};

// Yields the next piece of a body; "" ends it, an error aborts the request.
using BodySource = std::function<Task<Result<std::string>>()>;

// A file's bytes as the body, sent with its Content-Length and read piece by piece.
struct BodyFile {
  std::string path;
};

struct ClientRequest {
  http::Method method = http::Method::kGet;
  std::string target = "/";    // path and query, already percent-encoded
  http::Headers headers = {};  // Host, framing and Connection are added when absent
  // A source is sent chunked.
  std::variant<std::string, BodySource, BodyFile> body = std::string{};
  std::size_t max_response_bytes = 16 * 1024 * 1024;  // fetch() only; more is kTooLarge
};

struct ClientResponse {
  int status = 0;
  http::Headers headers;
  std::string body;
};

// A response whose body is read as it comes. Closing (or destroying) it ends the connection unless
// the body was read to its end. One reader at a time.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  [[nodiscard]] virtual int status() const = 0;
  [[nodiscard]] virtual const http::Headers& headers() const = 0;
  // The next bytes of the body, at most 64 KiB; "" is its end. kTimeout when nothing came within
  // `deadline` (the stream stays usable), kUnavailable when the peer went away in the middle.
  // Raw (hijacked) streams, status 101 or no framing, read until the peer closes.
  virtual Task<Result<std::string>> read_some(std::chrono::milliseconds deadline) = 0;
  // Idempotent. A pending read_some ends with kCancelled.
  virtual void close() = 0;
};

// One request over a fresh connection; the whole answer within `deadline`. Any status is a success
// here. Errors: kUnavailable (cannot connect, broken off), kTimeout, kCancelled, kMalformed (not
// HTTP), kTooLarge. Redirects are not followed.
Task<Result<ClientResponse>> fetch(Endpoint endpoint, ClientRequest request,
                                   std::chrono::milliseconds deadline);

// As fetch(), but returns after the head; `head_deadline` covers connecting, sending the body and
// the head.
Task<Result<std::unique_ptr<ResponseStream>>> open_stream(Endpoint endpoint, ClientRequest request,
                                                          std::chrono::milliseconds head_deadline);

// Keeps connections to one endpoint alive between requests. A request that fails on a reused
// connection before any byte of its answer is sent again once, on a fresh connection, if its method
// is idempotent (RFC 9110 §9.2.2) and its body is a string. One thread; requests run side by side.
class ClientPool {
 public:
  ClientPool(Endpoint endpoint, std::size_t max_idle = 8,
             std::chrono::milliseconds idle_lifetime = std::chrono::seconds(30));
  ~ClientPool();
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;

  Task<Result<ClientResponse>> fetch(ClientRequest request, std::chrono::milliseconds deadline);
  Task<Result<std::unique_ptr<ResponseStream>>> open_stream(
      ClientRequest request, std::chrono::milliseconds head_deadline);
  [[nodiscard]] const Endpoint& endpoint() const;
  // Closes the idle connections.
  void close_idle();

  struct State;  // private to http_client.cpp

 private:
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::net
