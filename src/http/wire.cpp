#include "http/wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/ascii.hpp"
#include "http/problem.hpp"

namespace deployclaw::http {
namespace {

constexpr std::size_t kMaxFields = 100;
constexpr std::size_t kUsualFields = 12;
constexpr std::size_t kMaxTrailers = 64;

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kMalformed, "malformed_request", "The message " + std::string(why) + ".");
}

std::unexpected<Error> unsupported(std::string reason, std::string detail) {
  return fail(Code::kUnsupported, std::move(reason), std::move(detail));
}

// field-vchar, SP, HTAB and obs-text (RFC 9110 §5.5).
bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

// Takes a line ending in CRLF off the front. The caller knows that one is there.
Result<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos || end == 0 || rest[end - 1] != '\r') {
    return refuse("has a line that does not end in CRLF");
  }
  const std::string_view line = rest.substr(0, end - 1);
  if (line.find('\r') != std::string_view::npos) return refuse("has a bare CR");
  rest.remove_prefix(end + 1);
  return line;
}

Status parse_fields(std::string_view rest, Headers& headers, std::size_t most = kMaxFields) {
  headers.reserve(std::min(most, kUsualFields));
  std::size_t fields = 0;
  while (true) {
    const auto line = take_line(rest);
    if (!line) return fail(line.error());
    if (line->empty()) break;
    if (++fields > most) return refuse("has too many header fields");
    if (line->front() == ' ' || line->front() == '\t') return refuse("has a folded header field");
    const auto colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) {
      return refuse("has a malformed header field");
    }
    const std::string_view value = trim_ows(line->substr(colon + 1));
    for (const char c : value) {
      if (!is_value_char(c)) return refuse("has a control character in a header field");
    }
    headers.add(std::string(line->substr(0, colon)), std::string(value));
  }
  if (!rest.empty()) return refuse("has bytes behind its head");
  return {};
}

// True when a comma-separated field names `token`.
bool names_token(const Headers& headers, std::string_view field, std::string_view token) {
  for (const auto& [name, value] : headers.all()) {
    if (!equals_ignoring_case(name, field)) continue;
    std::string_view rest = value;
    while (true) {
      const auto comma = rest.find(',');
      if (equals_ignoring_case(trim_ows(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

// The framing that the fields declare; kNone when they declare none.
Result<BodyFraming> declared_framing(const Headers& headers, int minor_version) {
  const std::size_t lengths = headers.count("content-length");
  const std::size_t codings = headers.count("transfer-encoding");
  if (lengths + codings == 0) return BodyFraming{};
  if (lengths > 1 || codings > 1) return refuse("declares its length more than once");
  if (lengths == 1 && codings == 1) {
    return refuse("has both Content-Length and Transfer-Encoding");
  }
  BodyFraming framing;
  if (codings == 1) {
    if (minor_version == 0) return refuse("has a Transfer-Encoding in HTTP/1.0");
    if (!equals_ignoring_case(*headers.get("transfer-encoding"), "chunked")) {
      return unsupported("unsupported_transfer_encoding", "Only chunked is supported.");
    }
    framing.kind = BodyFraming::Kind::kChunked;
    return framing;
  }
  const std::string_view text = *headers.get("content-length");
  // 18 digits fit 64 bits whatever they are.
  if (text.empty() || text.size() > 18) return refuse("has a bad Content-Length");
  for (const char c : text) {
    if (c < '0' || c > '9') return refuse("has a bad Content-Length");
    framing.length = framing.length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  framing.kind = BodyFraming::Kind::kLength;
  return framing;
}

// Methods are case-sensitive and all in capitals (RFC 9110 §9.1); servers differ on what they make
// of others. PRI begins HTTP/2.
bool is_method(std::string_view text) {
  if (text.empty() || text.size() > 32 || text == "PRI") return false;
  return std::ranges::all_of(text,
                             [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
}

Status check_host(const Headers& headers) {
  if (headers.count("host") != 1) return refuse("must have exactly one Host field");
  const std::string_view host = *headers.get("host");
  if (host.empty()) return refuse("has an empty Host field");
  for (const char c : host) {
    if (!is_host_char(c)) return refuse("has a bad Host field");
  }
  return {};
}

}  // namespace

std::size_t find_head_end(std::string_view buffer, std::size_t& from) {
  while (from < buffer.size()) {
    const void* hit = std::memchr(buffer.data() + from, '\n', buffer.size() - from);
    if (hit == nullptr) {
      from = buffer.size();
      break;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - buffer.data());
    from = at + 1;
    if (at == 0 || buffer[at - 1] != '\r') return from;
    if (at >= 2 && buffer[at - 2] == '\n') return from;
  }
  return std::string_view::npos;
}

Result<RequestHead> parse_request_head(std::string_view head) {
  std::string_view rest = head;
  const auto line = take_line(rest);
  if (!line) return fail(line.error());
  const auto first = line->find(' ');
  const auto last = line->rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse("has a bad request line");
  const std::string_view method = line->substr(0, first);
  const std::string_view target = line->substr(first + 1, last - first - 1);
  const std::string_view version = line->substr(last + 1);
  if (!is_method(method) || target.empty()) {
    return refuse("has a bad request line");
  }
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return refuse("has a bad character in its target");
  }
  RequestHead out;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (!version.starts_with("HTTP/")) return refuse("has a bad request line");
    return unsupported("http_version_not_supported", "This server speaks HTTP/1.1.");
  }
  out.minor_version = version.back() - '0';
  out.method = parse_method(method);
  out.method_text = method;
  out.target = target;
  if (auto ok = parse_fields(rest, out.headers); !ok) return fail(ok.error());
  if (auto ok = check_host(out.headers); !ok) return fail(ok.error());
  const auto framing = declared_framing(out.headers, out.minor_version);
  if (!framing) return fail(framing.error());
  out.framing = *framing;
  out.keep_alive = out.minor_version == 1 && !names_token(out.headers, "connection", "close");
  if (const auto expect = out.headers.get("expect")) {
    if (!equals_ignoring_case(*expect, "100-continue")) {
      return unsupported("expectation_failed", "Only 100-continue can be expected.");
    }
    out.expect_continue = out.minor_version == 1;
  }
  return out;
}

Result<ResponseHead> parse_response_head(std::string_view head, Method to) {
  std::string_view rest = head;
  const auto line = take_line(rest);
  if (!line) return fail(line.error());
  // "HTTP/1.1 200 OK"; the reason and the space before it may be missing.
  if (line->size() < 12 || !line->starts_with("HTTP/1.") ||
      ((*line)[7] != '1' && (*line)[7] != '0') || (*line)[8] != ' ' ||
      (line->size() > 12 && (*line)[12] != ' ')) {
    return refuse("has a bad status line");
  }
  ResponseHead out;
  out.minor_version = (*line)[7] - '0';
  const char* digits = line->data() + 9;
  const auto parsed = std::from_chars(digits, digits + 3, out.status);
  if (parsed.ec != std::errc{} || parsed.ptr != digits + 3 || out.status < 100) {
    return refuse("has a bad status line");
  }
  if (auto ok = parse_fields(rest, out.headers); !ok) return fail(ok.error());
  const auto framing = declared_framing(out.headers, out.minor_version);
  if (!framing) return fail(framing.error());
  out.framing = *framing;
  out.keep_alive = out.minor_version == 1 && !names_token(out.headers, "connection", "close");
  const bool bodiless = to == Method::kHead || (out.status < 200 && out.status != 101) ||
                        out.status == 204 || out.status == 304;
  if (bodiless) {
    out.framing = {};
  } else if (out.status == 101 || out.framing.kind == BodyFraming::Kind::kNone) {
    out.framing = {.kind = BodyFraming::Kind::kUntilClose};
    out.keep_alive = false;
  }
  return out;
}

Result<Headers> parse_trailers(std::string_view section) {
  Headers trailers;
  if (auto good = parse_fields(section, trailers, kMaxTrailers); !good) return fail(good.error());
  return trailers;
}

bool is_safe_field(std::string_view name, std::string_view value) {
  if (!is_token(name)) return false;
  for (const char c : value) {
    if (!is_value_char(c)) return false;
  }
  return true;
}

std::string prepared_fields(const Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers.all()) {
    if (is_safe_field(name, value)) out.append(name).append(": ").append(value).append("\r\n");
  }
  return out;
}

void append_response_head(std::string& out, int status, const Headers& headers) {
  const std::string_view reason = reason_phrase(status);
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason;
  out += "\r\n";
  for (const auto& [name, value] : headers.all()) {
    if (!is_safe_field(name, value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
}

void append_chunk(std::string& out, std::string_view data) {
  char size[24];
  const auto end = std::to_chars(size, size + sizeof size, data.size(), 16).ptr;
  out.append(size, static_cast<std::size_t>(end - size)).append("\r\n");
  out.append(data).append("\r\n");
}

}  // namespace deployclaw::http
