#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

// The bytes of HTTP/1.1 (RFC 9112), read strictly: what two implementations could read differently
// is refused instead of repaired. Pure functions over complete heads; src/net feeds them.
namespace deployclaw::http {

// How the body of a message is delimited.
struct BodyFraming {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength only
};

struct RequestHead {
  Method method = Method::kOther;
  std::string method_text;
  std::string target;  // as sent
  int minor_version = 1;
  Headers headers;
  BodyFraming framing;
  bool keep_alive = true;
  bool expect_continue = false;
};

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  Headers headers;
  BodyFraming framing;
  bool keep_alive = true;
};

// Offset just behind the blank line that ends a head, or npos. `from` is where an earlier search
// stopped; it is moved forward so that a slow sender costs no repeated scans. Leading empty lines
// are the caller's business.
std::size_t find_head_end(std::string_view buffer, std::size_t& from);

// Parses a head including its final blank line. kMalformed (public detail set) for: bare CR or LF,
// obs-fold, space before ':', bad characters, a method that is not in capitals, no or two Host
// fields, both Content-Length and
// Transfer-Encoding, repeated or bad Content-Length, a transfer coding other than one "chunked",
// chunked in HTTP/1.0. kUnsupported for another version, Expect or coding.
Result<RequestHead> parse_request_head(std::string_view head);

// The same for a response; `to` is the method that was asked (a HEAD answer has no body).
Result<ResponseHead> parse_response_head(std::string_view head, Method to);

// The trailer section of a chunked body (RFC 9112 §7.1.2), final blank line included, as strictly
// as a head's fields; at most 64 of them.
Result<Headers> parse_trailers(std::string_view section);

// Takes chunked coding apart (RFC 9112 §7.1) however the bytes are split. Chunk extensions are
// refused, and so are trailers of more than 8 KiB or that parse_trailers() refuses.
class ChunkedDecoder {
 public:
  // Consumes bytes from `in`, appends body bytes to `out`, stops behind the end of the message or
  // when `out` reaches `max_out` bytes. Returns how many bytes of `in` were consumed.
  Result<std::size_t> feed(std::string_view in, std::string& out, std::size_t max_out);
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  // What came behind the last chunk; complete once done().
  [[nodiscard]] const Headers& trailers() const { return trailers_; }

 private:
  Status end_trailers();

  enum class State : std::uint8_t {
    kSize,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kEndLf,
    kDone
  };
  State state_ = State::kSize;
  std::uint64_t remaining_ = 0;
  std::uint32_t digits_ = 0;
  std::string trailer_section_;
  Headers trailers_;
};

// Appends "HTTP/1.1 200 OK\r\n" and the fields, without the final blank line. Fields whose name or
// value could forge a line are left out.
void append_response_head(std::string& out, int status, const Headers& headers);
// One chunk of a chunked body; `data` must not be empty.
void append_chunk(std::string& out, std::string_view data);
// True if `name` is a token and `value` has no CR, LF or NUL.
bool is_safe_field(std::string_view name, std::string_view value);

}  // namespace deployclaw::http
