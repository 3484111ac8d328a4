#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/canonical_target.hpp"
#include "http/wire.hpp"

// Heads and trailers as they are passed on (RFC 9110 §7.6, §6.5). Pure.
namespace deployclaw::egress {

// How a body is passed on.
enum class Passing : std::uint8_t {
  kAsItCame,   // same length, or chunked as it was
  kChunked,    // its length is not known, or will change
  kUntilClose  // to an HTTP/1.0 agent that knows no chunks
};

// The request line and fields for an upstream. Fields that speak of one connection only
// (Connection and what it names, Proxy-*, TE, Upgrade, …) are left out, Host is `host_field`,
// Expect is left out (the gateway answers it itself), Accept-Encoding keeps the codings that can be
// looked into, and TE says "trailers" when it did. With `websocket` the fields of its handshake are
// kept, but extensions. A body that was read whole has `body_length` instead of the framing it came
// with.
std::string request_head(const http::RequestHead& head, const http::CanonicalTarget& target,
                         std::string_view host_field, bool websocket,
                         std::optional<std::size_t> body_length);

// The status line and fields for an agent. `drop_coding` leaves Content-Encoding out: the body is
// passed on decoded. With `websocket` (101) its fields are kept.
std::string response_head(const http::ResponseHead& head, Passing passing, bool keep_alive,
                          bool drop_coding, bool websocket);

// An interim answer (1xx) for an agent: as response_head(), without anything of a body.
std::string interim_head(const http::ResponseHead& head);

// What ends a chunked body: the last chunk and the trailers, but those that must not be there
// (RFC 9110 §6.5.1): a recipient that takes them for fields of the head would see another message,
// route, caller or connection. `head` is that of the same message.
std::string last_chunk(const http::Headers& trailers, const http::Headers& head);

// A whole answer of the gateway's own; `with_body` is false for HEAD.
std::string own_answer(const http::Response& response, bool keep_alive, bool with_body = true);

// A WebSocket handshake (RFC 6455 §4.1): GET with "Upgrade: websocket" and no body.
bool asks_for_websocket(const http::RequestHead& head);

// Of an Accept-Encoding value, the codings that scrub::ContentDecoder knows, with their weights.
std::string known_codings(std::string_view accept_encoding);

}  // namespace deployclaw::egress
