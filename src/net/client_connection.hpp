#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/wire.hpp"
#include "net/deadline.hpp"
#include "net/http_client.hpp"

namespace deployclaw::net {

// The client's end of one connection, for one exchange at a time: connect, send, read the head,
// read the body.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(boost::asio::any_io_executor executor, Endpoint endpoint);

  Task<Status> connect(Deadline& deadline);
  // Sends `request`. `keep_alive` false asks the server to close afterwards. A broken pipe is no
  // error yet: the server may have answered early; read_head() will tell.
  Task<Status> send(ClientRequest& request, bool keep_alive, Deadline& deadline);
  Task<Result<http::ResponseHead>> read_head(http::Method to, Deadline& deadline);
  // The next bytes of the body; "" at its end. `head` is the one just read.
  Task<Result<std::string>> read_body(const http::ResponseHead& head, Deadline& deadline);

  // True once the body is complete and the connection can carry another exchange.
  [[nodiscard]] bool reusable(const http::ResponseHead& head) const;
  // True if bytes of the present answer have arrived.
  [[nodiscard]] bool answer_begun() const { return answer_begun_; }
  // True if an idle connection is no longer fit for use.
  [[nodiscard]] bool is_stale();
  // Makes it ready for the next exchange.
  void reset();
  void cancel();  // ends the pending operation; the connection stays open
  void close();
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  Task<Result<std::size_t>> fill(Deadline& deadline);  // 0 at the end
  Task<Status> write(std::string_view bytes, Deadline& deadline);
  Task<Status> send_source(BodySource& source, Deadline& deadline);
  Task<Status> send_file(int file, std::uint64_t size, Deadline& deadline);
  Error broken(const Deadline& deadline, std::string_view what,
               const boost::system::error_code& error) const;

  boost::asio::any_io_executor executor_;
  Endpoint endpoint_;
  boost::asio::generic::stream_protocol::socket socket_;
  std::string buffer_;
  http::ChunkedDecoder chunks_;
  std::uint64_t body_read_ = 0;
  bool body_done_ = false;
  bool request_whole_ = false;
  bool answer_begun_ = false;
  bool closed_ = false;
};

// The head of `request` as bytes; kInvalid when a part of it could forge another line.
Result<std::string> request_head(const ClientRequest& request, const Endpoint& endpoint,
                                 std::string_view framing, bool keep_alive);

}  // namespace deployclaw::net
