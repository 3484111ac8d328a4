#include "net/http_connection.hpp"

#include <boost/asio/this_coro.hpp>
#include <exception>

#include "base/log.hpp"
#include "http/ascii.hpp"
#include "http/problem.hpp"
#include "http/url.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kReadSize = 4096;

// Refusals of the parser that have a status of their own.
http::Response refusal(const Error& error, const std::string& id) {
  int status = 0;
  if (error.reason == "http_version_not_supported") status = 505;
  if (error.reason == "expectation_failed") status = 417;
  if (error.reason == "unsupported_transfer_encoding") status = 501;
  if (status == 0) return http::problem(error, id);
  return http::problem_with_status(status, error.reason, error.public_detail, id);
}

// Splits the target into path and query. Absolute form (RFC 9112 §3.2.2) is taken only when its
// authority is the Host field's.
Status read_target(const http::RequestHead& head, http::Request& request) {
  std::string_view target = head.target;
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    target.remove_prefix(kScheme.size());
    const auto end = std::min(target.find_first_of("/?"), target.size());
    if (!http::equals_ignoring_case(target.substr(0, end), *head.headers.get("host"))) {
      return fail(Code::kMalformed, "malformed_request", "The target and the Host field disagree.");
    }
    target.remove_prefix(end);
  }
  const auto question = target.find('?');
  auto path = http::canonical_path(target.substr(0, question));
  if (!path) return fail(std::move(path.error()));
  request.path = std::move(*path);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  if (request.query.find('#') != std::string::npos) {
    return fail(Code::kMalformed, "malformed_request", "The target has a fragment.");
  }
  return {};
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<ServerShared> shared, StreamSocket socket,
                               std::string remote_address)
    : shared_(std::move(shared)),
      socket_(std::move(socket), shared_->timer),
      remote_address_(std::move(remote_address)) {}

void HttpConnection::drain() {
  if (const auto stream = diverted_.lock()) stream->interrupt();
  if (phase_ == Phase::kIdle) socket_.interrupt();
  if (phase_ == Phase::kStreaming) stream_signal_.emit(asio::cancellation_type::terminal);
}

void HttpConnection::abort() {
  if (const auto stream = diverted_.lock()) stream->interrupt();
  socket_.interrupt();
  stream_signal_.emit(asio::cancellation_type::terminal);
}

void HttpConnection::consume(std::size_t count) {
  consumed_ += count;
  if (consumed_ < buffer_.size()) return;
  buffer_.clear();
  consumed_ = 0;
}

Task<bool> HttpConnection::fill() {
  if (consumed_ > 0) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  const std::size_t have = buffer_.size();
  buffer_.resize(have + kReadSize);
  const std::size_t count = co_await socket_.read_some(buffer_.data() + have, kReadSize);
  buffer_.resize(have + count);
  co_return count > 0;
}

Task<void> HttpConnection::run() {
  while (true) {
    const bool again = co_await serve_one();
    if (!again || shared_->stopping) break;
  }
  socket_.close();
}

Task<bool> HttpConnection::serve_one() {
  http::RequestHead head;
  const bool has_head = co_await read_head(head);
  if (!has_head) co_return false;

  has_served_ = true;
  if (shared_->diversion.wants && shared_->diversion.wants(head)) {
    co_await divert(std::move(head));
    co_return false;
  }
  http::Request request;
  request.method = head.method;
  request.method_text = std::move(head.method_text);
  request.remote_address = remote_address_;
  request.id = request_id_;
  const auto target = read_target(head, request);
  if (!target) {
    http::Response response = refusal(target.error(), request_id_);
    co_return co_await refuse(std::move(response));
  }
  if (head.framing.kind != http::BodyFraming::Kind::kNone) {
    const bool has_body = co_await read_body(head, request.body);
    if (!has_body) co_return false;
  }
  request.headers = std::move(head.headers);

  http::Response response;
  std::exception_ptr failure;
  try {
    auto task = shared_->handler(std::move(request));
    response = co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return false;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log::error("request handler failed", {{"requestId", request_id_}, {"error", e.what()}});
    } catch (...) {
      log::error("request handler failed", {{"requestId", request_id_}});
    }
    const Error error{.code = Code::kInternal, .message = "handler failed"};
    response = http::problem(error, request_id_);
  }
  const bool keep_alive = head.keep_alive && !shared_->stopping;
  co_return co_await respond(head, std::move(response), keep_alive);
}

Task<void> HttpConnection::divert(http::RequestHead head) {
  auto stream = std::make_shared<ByteStream>(std::move(socket_.raw()), shared_->timer);
  if (!unread().empty()) stream->unread(unread());
  consume(unread().size());
  diverted_ = stream;
  Diverted diverted{.head = std::move(head),
                    .stream = std::move(stream),
                    .remote_address = remote_address_,
                    .request_id = request_id_};
  auto task = shared_->diversion.carry(std::move(diverted));
  co_await std::move(task);
}

Task<bool> HttpConnection::read_head(http::RequestHead& head) {
  const ServerOptions& options = shared_->options;
  std::size_t searched = 0;
  phase_ = Phase::kIdle;
  if (buffer_.capacity() > 2 * kReadSize && buffer_.empty()) buffer_.shrink_to_fit();
  while (true) {
    // An empty line before a request is a relic that servers should ignore (RFC 9112 §2.2).
    while (searched == 0 && unread().starts_with("\r\n")) consume(2);
    const std::size_t size = http::find_head_end(unread(), searched);
    if (size != std::string_view::npos && size <= options.max_head_bytes) {
      phase_ = Phase::kBusy;
      socket_.clear_deadline();
      request_id_ = shared_->next_request_id();
      auto parsed = http::parse_request_head(unread().substr(0, size));
      consume(size);
      if (parsed) {
        head = std::move(*parsed);
        co_return true;
      }
      http::Response response = refusal(parsed.error(), request_id_);
      co_return co_await refuse(std::move(response));
    }
    if (unread().size() > options.max_head_bytes) {
      request_id_ = shared_->next_request_id();
      http::Response response = http::problem_with_status(
          431, "head_too_large", "The request head is too large.", request_id_);
      co_return co_await refuse(std::move(response));
    }
    const bool begun = !unread().empty();
    if (begun && phase_ == Phase::kIdle) {
      phase_ = Phase::kBusy;
      socket_.set_deadline(options.head_timeout);
    } else if (!begun) {
      if (shared_->stopping) co_return false;
      // A new connection has no claim to the patience that a proven one gets.
      socket_.set_deadline(has_served_ ? options.idle_timeout : options.head_timeout);
    }
    const bool more = co_await fill();
    if (more) continue;
    if (!socket_.timed_out() || !begun) co_return false;
    request_id_ = shared_->next_request_id();
    http::Response response = http::problem_with_status(
        408, "request_timeout", "The request did not arrive in time.", request_id_);
    co_return co_await refuse(std::move(response));
  }
}

Task<bool> HttpConnection::read_body(const http::RequestHead& head, std::string& body) {
  const ServerOptions& options = shared_->options;
  const bool chunked = head.framing.kind == http::BodyFraming::Kind::kChunked;
  if (!chunked && head.framing.length > options.max_body_bytes) {
    const Error error{.code = Code::kTooLarge, .message = "body too large"};
    http::Response response = http::problem(error, request_id_);
    co_return co_await refuse(std::move(response));
  }
  socket_.set_deadline(options.body_timeout);
  if (head.expect_continue && unread().empty()) {
    const bool sent = co_await socket_.send("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return false;
  }
  if (chunked) {
    co_return co_await read_chunked(body);
  }

  const auto length = static_cast<std::size_t>(head.framing.length);
  const std::string_view present = unread().substr(0, length);
  body = present;
  consume(present.size());
  while (body.size() < length) {
    // Memory grows with what came, not with what was promised.
    const std::size_t have = body.size();
    const std::size_t want = std::min(length - have, std::max(kReadSize, have));
    body.resize(have + want);
    const std::size_t count = co_await socket_.read_some(body.data() + have, want);
    body.resize(have + count);
    if (count > 0) continue;
    if (!socket_.timed_out()) co_return false;
    http::Response response = http::problem_with_status(
        408, "request_timeout", "The body did not arrive in time.", request_id_);
    co_return co_await refuse(std::move(response));
  }
  socket_.clear_deadline();
  co_return true;
}

Task<bool> HttpConnection::read_chunked(std::string& body) {
  http::ChunkedDecoder decoder;
  const std::size_t limit = shared_->options.max_body_bytes;
  while (true) {
    const auto used = decoder.feed(unread(), body, limit + 1);
    http::Response response;
    if (!used) {
      response = refusal(used.error(), request_id_);
      co_return co_await refuse(std::move(response));
    }
    consume(*used);
    if (body.size() > limit) {
      const Error error{.code = Code::kTooLarge, .message = "body too large"};
      response = http::problem(error, request_id_);
      co_return co_await refuse(std::move(response));
    }
    if (decoder.done()) break;
    const bool more = co_await fill();
    if (more) continue;
    if (!socket_.timed_out()) co_return false;
    response = http::problem_with_status(408, "request_timeout", "The body did not arrive in time.",
                                         request_id_);
    co_return co_await refuse(std::move(response));
  }
  socket_.clear_deadline();
  co_return true;
}

}  // namespace deployclaw::net
