#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/task.hpp"
#include "http/message.hpp"
#include "http/wire.hpp"
#include "net/http_server.hpp"
#include "net/timed_socket.hpp"

namespace deployclaw::net {

// What the connections of one server share.
struct ServerShared {
  ServerShared(boost::asio::any_io_executor executor, HttpHandler h, ServerOptions o);

  HttpHandler handler;
  Diversion diversion;
  ServerOptions options;
  CoarseTimer timer;
  bool stopping = false;

  // A fresh request id: 16 hex digits, unique, telling nothing about the number of requests.
  std::string next_request_id();
  // The Date field's value (RFC 9110 §5.6.7), made once a second.
  const std::string& date();

 private:
  std::uint64_t id_key_ = 0;
  std::uint64_t id_count_ = 0;
  std::int64_t date_second_ = -1;
  std::string date_;
};

// One HTTP/1.1 connection: read a head, read its body, run the handler, write the answer, again.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(std::shared_ptr<ServerShared> shared, StreamSocket socket,
                 std::string remote_address);

  Task<void> run();
  // The server stops: ends at once when idle or streaming, else after the running request.
  void drain();
  // Ends now. The task's own cancellation ends the handler.
  void abort();

 private:
  friend class StreamWriter;
  enum class Phase : std::uint8_t { kIdle, kBusy, kStreaming };

  Task<bool> serve_one();
  Task<void> divert(http::RequestHead head);
  Task<bool> read_head(http::RequestHead& head);
  Task<bool> read_body(const http::RequestHead& head, std::string& body);
  Task<bool> read_chunked(std::string& body);
  Task<bool> respond(const http::RequestHead& head, http::Response response, bool keep_alive);
  Task<bool> stream(http::Response response, bool chunked);
  // Answers a request that never reaches the handler; the connection ends after it.
  Task<bool> refuse(http::Response response);
  Task<bool> fill();
  Task<void> linger();
  void watch_peer();
  void write_head(std::string& out, const http::Response& response, bool keep_alive);
  [[nodiscard]] std::string_view unread() const {
    return std::string_view(buffer_).substr(consumed_);
  }
  void consume(std::size_t count);

  std::shared_ptr<ServerShared> shared_;
  TimedSocket socket_;
  std::string remote_address_;
  std::string request_id_;
  std::string buffer_;        // bytes received
  std::size_t consumed_ = 0;  // how many of them are done with
  std::string out_;
  Phase phase_ = Phase::kIdle;
  bool has_served_ = false;
  bool peer_gone_ = false;
  std::weak_ptr<ByteStream> diverted_;
  boost::asio::cancellation_signal stream_signal_;
};

}  // namespace deployclaw::net
