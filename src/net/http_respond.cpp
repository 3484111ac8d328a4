// The writing half of HttpConnection.
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/log.hpp"
#include "http/ascii.hpp"
#include "http/problem.hpp"
#include "net/http_connection.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kGatherBelow = 4096;  // smaller bodies are copied behind their head
constexpr std::size_t kMaxLinger = 1024 * 1024;

// Fields that belong to the server: framing, and what it adds to every answer.
bool is_server_field(std::string_view name) {
  switch (name.size()) {
    case 4:
      return http::equals_ignoring_case(name, "date");
    case 10:
      return http::equals_ignoring_case(name, "connection");
    case 12:
      return http::equals_ignoring_case(name, "x-request-id");
    case 14:
      return http::equals_ignoring_case(name, "content-length");
    case 17:
      return http::equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace

// Lets a stream write to its connection for as long as the connection listens to it.
class StreamWriter final : public http::BodyWriter {
 public:
  StreamWriter(HttpConnection& connection, bool chunked)
      : connection_(&connection), chunked_(chunked) {}
  void detach() { connection_ = nullptr; }

  Task<Status> write(std::string chunk) override {
    if (connection_ == nullptr || connection_->peer_gone_) {
      co_return fail(Code::kCancelled, "client went away");
    }
    if (chunk.empty()) co_return Status{};  // an empty chunk would end the body
    std::string framed;
    if (chunked_) {
      framed.reserve(chunk.size() + 16);
      http::append_chunk(framed, chunk);
    } else {
      framed = std::move(chunk);
    }
    TimedSocket& socket = connection_->socket_;
    socket.set_deadline(connection_->shared_->options.write_timeout);
    const bool sent = co_await socket.send(framed);
    if (connection_ == nullptr) co_return fail(Code::kCancelled, "stream ended");
    if (!sent) {
      connection_->peer_gone_ = true;
      co_return fail(Code::kCancelled, "client went away");
    }
    socket.clear_deadline();
    co_return Status{};
  }

 private:
  HttpConnection* connection_;
  bool chunked_;
};

void HttpConnection::write_head(std::string& out, const http::Response& response, bool keep_alive) {
  http::append_response_head(out, response.status, {});
  out.append("Date: ").append(shared_->date());
  out.append("\r\nX-Request-Id: ").append(request_id_).append("\r\n");
  if (!keep_alive) out.append("Connection: close\r\n");
  if (response.prepared) out += response.prepared->fields;
  for (const auto& [name, value] : response.headers.all()) {
    if (is_server_field(name) || !http::is_safe_field(name, value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
}

Task<bool> HttpConnection::respond(const http::RequestHead& head, http::Response response,
                                   bool keep_alive) {
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  const bool to_head = head.method == http::Method::kHead;
  const bool streams = response.stream && !bodiless && !to_head;
  const std::string_view body = response.prepared ? std::string_view(response.prepared->body)
                                                  : std::string_view(response.body);
  const bool chunked = head.minor_version == 1;
  if (streams && !chunked) keep_alive = false;

  out_.clear();
  write_head(out_, response, keep_alive);
  if (streams) {
    if (chunked) out_ += "Transfer-Encoding: chunked\r\n";
  } else if (!bodiless && !response.stream) {
    out_.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  out_ += "\r\n";
  std::string_view tail;
  if (!streams && !bodiless && !to_head) {
    if (body.size() < kGatherBelow) {
      out_ += body;
    } else {
      tail = body;
    }
  }
  std::string_view front = out_;
  auto sent = socket_.send_now(front, tail);
  if (!sent) {
    socket_.set_deadline(shared_->options.write_timeout);
    sent = co_await socket_.send(front, tail);
    socket_.clear_deadline();
  }
  if (!*sent) co_return false;
  if (streams) {
    const bool whole = co_await stream(std::move(response), chunked);
    if (!whole) co_return false;
  }
  if (keep_alive) co_return true;
  // Requests that came too early would turn the close into a reset.
  std::array<char, 1> probe{};
  const bool more_came = !unread().empty() || socket_.read_now(probe.data(), 1).value_or(0) > 0;
  if (more_came) {
    co_await linger();
  } else {
    socket_.shutdown_send();
  }
  co_return false;
}

Task<bool> HttpConnection::stream(http::Response response, bool chunked) {
  const auto executor = co_await asio::this_coro::executor;
  const auto self = shared_from_this();
  phase_ = Phase::kStreaming;
  auto writer = std::make_shared<StreamWriter>(*this, chunked);
  watch_peer();
  auto task = response.stream(writer);
  // A slot of its own: the stream ends when the client leaves, the connection's task does not.
  auto token =
      asio::bind_cancellation_slot(stream_signal_.slot(), asio::as_tuple(asio::use_awaitable));
  const auto [failure] = co_await asio::co_spawn(executor, std::move(task), std::move(token));
  writer->detach();
  phase_ = Phase::kBusy;
  boost::system::error_code ignored;
  socket_.raw().cancel(ignored);  // watch_peer's wait
  if (failure) {
    // Whether cancelled or broken, the body is not whole: the client must see that it ends early.
    if (!peer_gone_ && !shared_->stopping) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& e) {
        log::error("response stream failed", {{"requestId", request_id_}, {"error", e.what()}});
      }
    }
    co_return false;
  }
  if (peer_gone_) co_return false;
  if (!chunked) co_return true;
  socket_.set_deadline(shared_->options.write_timeout);
  const bool sent = co_await socket_.send("0\r\n\r\n");
  socket_.clear_deadline();
  co_return sent;
}

void HttpConnection::watch_peer() {
  socket_.raw().async_wait(
      StreamSocket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (error || self->phase_ != Phase::kStreaming) return;
        // Requests that come early are kept; a flood of them ends the watch, not the stream.
        const std::size_t have = self->buffer_.size();
        if (have >= self->shared_->options.max_head_bytes) return;
        constexpr std::size_t kPiece = 1024;
        self->buffer_.resize(have + kPiece);
        const auto count = self->socket_.read_now(self->buffer_.data() + have, kPiece);
        self->buffer_.resize(have + count.value_or(0));
        if (count && *count == 0) {
          self->peer_gone_ = true;
          self->stream_signal_.emit(asio::cancellation_type::terminal);
          return;
        }
        self->watch_peer();
      });
}

Task<bool> HttpConnection::refuse(http::Response response) {
  phase_ = Phase::kBusy;
  std::string out;
  write_head(out, response, false);
  out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n\r\n");
  out += response.body;
  socket_.set_deadline(shared_->options.write_timeout);
  const bool sent = co_await socket_.send(out);
  if (sent) {
    co_await linger();
  }
  co_return false;
}

// Closing with unread bytes makes the kernel send a reset, which can destroy the answer on its way.
// So the rest of the request is read and dropped, for a while.
Task<void> HttpConnection::linger() {
  socket_.shutdown_send();
  buffer_.resize(4096);
  consumed_ = 0;
  socket_.set_deadline(std::chrono::seconds(2));
  std::size_t dropped = 0;
  while (dropped < kMaxLinger) {
    const std::size_t count = co_await socket_.read_some(buffer_.data(), buffer_.size());
    if (count == 0) break;
    dropped += count;
  }
}

}  // namespace deployclaw::net
