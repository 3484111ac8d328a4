#include "egress/forward_head.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "http/ascii.hpp"
#include "http/problem.hpp"

namespace deployclaw::egress {
namespace {

using http::equals_ignoring_case;
using http::trim_ows;

constexpr std::array<std::string_view, 8> kHopByHop{
    "connection", "keep-alive",        "proxy-connection", "proxy-authorization",
    "te",         "transfer-encoding", "upgrade",          "proxy-authenticate"};

// Besides those of one connection, what may not come after the body.
constexpr std::array<std::string_view, 44> kNeverTrailers{
    // What the message is, and how long.
    "content-length", "content-encoding", "content-type", "content-range", "trailer",
    // Where it goes, and what is asked.
    "host", "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-real-ip", "max-forwards", "expect", "range", "cache-control", "pragma", "if-match",
    "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-url",
    "x-rewrite-url", "x-original-uri",
    // Who asks.
    "authorization", "authentication-info", "proxy-authentication-info", "www-authenticate",
    "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "private-token",
    // What becomes of an answer.
    "age", "date", "expires", "location", "retry-after", "vary", "warning"};

template <class Visit>
void for_each_item(std::string_view list, const Visit& visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto item = trim_ows(list.substr(0, comma));
    if (!item.empty()) visit(item);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
}

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

bool is_hop_by_hop(std::string_view name) { return is_one_of(kHopByHop, name); }

// What Connection names belongs to this connection too (RFC 9110 §7.6.1). Fields that decide what a
// message is are never dropped that way.
std::vector<std::string_view> named_by_connection(const http::Headers& headers) {
  constexpr std::array<std::string_view, 6> kNever{
      "host", "content-length", "content-type", "authorization", "cookie", "close"};
  std::vector<std::string_view> names;
  for (const auto& [name, value] : headers.all()) {
    if (!equals_ignoring_case(name, "connection")) continue;
    for_each_item(value, [&](std::string_view item) {
      if (!is_one_of(kNever, item)) names.push_back(item);
    });
  }
  return names;
}

// "trailers" has no weight (RFC 9110 §10.1.4).
bool wants_trailers(const http::Headers& headers) {
  bool wants = false;
  for_each_item(headers.get("te").value_or(""), [&](std::string_view item) {
    wants = wants || equals_ignoring_case(item, "trailers");
  });
  return wants;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

bool asks_for_websocket(const http::RequestHead& head) {
  const bool has_body =
      head.framing.kind == http::BodyFraming::Kind::kChunked || head.framing.length > 0;
  if (head.method_text != "GET" || has_body) return false;
  bool asks = false;
  for_each_item(head.headers.get("upgrade").value_or(""), [&](std::string_view item) {
    asks = asks || equals_ignoring_case(item, "websocket");
  });
  return asks;
}

std::string known_codings(std::string_view accept_encoding) {
  constexpr std::array<std::string_view, 6> kKnown{"gzip", "deflate", "br",
                                                   "zstd", "x-gzip",  "identity"};
  std::string out;
  for_each_item(accept_encoding, [&](std::string_view item) {
    const auto coding = trim_ows(item.substr(0, item.find(';')));
    if (!is_one_of(kKnown, coding)) return;
    if (!out.empty()) out += ", ";
    out += item;
  });
  return out.empty() ? "identity" : out;
}

std::string own_answer(const http::Response& response, bool keep_alive, bool with_body) {
  std::string out;
  http::append_response_head(out, response.status, response.headers);
  append_field(out, "Content-Length", std::to_string(response.body.size()));
  if (!keep_alive) append_field(out, "Connection", "close");
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

std::string request_head(const http::RequestHead& head, const http::CanonicalTarget& target,
                         std::string_view host_field, bool websocket,
                         std::optional<std::size_t> body_length) {
  std::string out;
  out.reserve(1024);
  out += head.method_text;
  out += ' ';
  out += target.origin_form();
  out += " HTTP/1.1\r\n";
  append_field(out, "Host", host_field);
  const auto named = named_by_connection(head.headers);
  for (const auto& [name, value] : head.headers.all()) {
    if (is_hop_by_hop(name) || equals_ignoring_case(name, "host") ||
        equals_ignoring_case(name, "expect") ||
        (body_length && equals_ignoring_case(name, "content-length")) ||
        (websocket && equals_ignoring_case(name, "sec-websocket-extensions"))) {
      continue;
    }
    if (is_one_of(named, name)) continue;
    if (equals_ignoring_case(name, "accept-encoding")) {
      append_field(out, name, known_codings(value));
    } else {
      append_field(out, name, value);
    }
  }
  if (body_length) {
    append_field(out, "Content-Length", std::to_string(*body_length));
  } else if (head.framing.kind == http::BodyFraming::Kind::kChunked) {
    append_field(out, "Transfer-Encoding", "chunked");
  }
  if (websocket) {
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", "websocket");
  } else if (wants_trailers(head.headers)) {
    append_field(out, "Connection", "TE");
    append_field(out, "TE", "trailers");
  }
  out += "\r\n";
  return out;
}

std::string interim_head(const http::ResponseHead& head) {
  std::string out = "HTTP/1.1 " + std::to_string(head.status) + ' ';
  out += http::reason_phrase(head.status);
  out += "\r\n";
  const auto named = named_by_connection(head.headers);
  for (const auto& [name, value] : head.headers.all()) {
    if (is_hop_by_hop(name) || is_one_of(named, name)) continue;
    if (equals_ignoring_case(name, "content-length")) continue;
    append_field(out, name, value);
  }
  out += "\r\n";
  return out;
}

std::string last_chunk(const http::Headers& trailers, const http::Headers& head) {
  std::string out = "0\r\n";
  const auto named = named_by_connection(head);
  for (const auto& [name, value] : trailers.all()) {
    if (is_hop_by_hop(name) || is_one_of(kNeverTrailers, name) || is_one_of(named, name)) continue;
    append_field(out, name, value);
  }
  out += "\r\n";
  return out;
}

std::string response_head(const http::ResponseHead& head, Passing passing, bool keep_alive,
                          bool drop_coding, bool websocket) {
  std::string out;
  out.reserve(1024);
  out += "HTTP/1.1 ";
  out += std::to_string(head.status);
  out += ' ';
  // Our own words: an upstream's could carry a secret back.
  out += http::reason_phrase(head.status);
  out += "\r\n";
  const auto named = named_by_connection(head.headers);
  for (const auto& [name, value] : head.headers.all()) {
    if (is_hop_by_hop(name) || is_one_of(named, name)) continue;
    if (passing != Passing::kAsItCame && equals_ignoring_case(name, "content-length")) continue;
    if (drop_coding && equals_ignoring_case(name, "content-encoding")) continue;
    if (websocket && equals_ignoring_case(name, "sec-websocket-extensions")) continue;
    append_field(out, name, value);
  }
  const bool chunked =
      passing == Passing::kChunked ||
      (passing == Passing::kAsItCame && head.framing.kind == http::BodyFraming::Kind::kChunked);
  if (chunked) append_field(out, "Transfer-Encoding", "chunked");
  if (websocket) {
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", "websocket");
  } else if (!keep_alive) {
    append_field(out, "Connection", "close");
  }
  out += "\r\n";
  return out;
}

}  // namespace deployclaw::egress
