#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::scrub {

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kDeflate, kBrotli, kZstd };

// Reads a Content-Encoding value (RFC 9110 §8.4): at most one coding besides "identity", in any
// case; "x-gzip" is gzip; empty means identity. kUnsupported for an unknown coding or a chain of
// them.
Result<ContentCoding> parse_content_encoding(std::string_view header);

// Takes a compressed body apart, however its bytes are split, in bounded memory: gzip (RFC 1952,
// several members allowed), deflate (zlib's form, RFC 1950, or the bare one, RFC 1951, as some
// servers send), brotli (RFC 7932, without large windows: at most 16 MiB), zstd (RFC 8878, windows
// of at most 8 MiB as RFC 9659 demands, several frames allowed), identity. Belongs to one thread.
class ContentDecoder {
 public:
  explicit ContentDecoder(ContentCoding coding);
  ~ContentDecoder();
  ContentDecoder(ContentDecoder&&) noexcept;
  ContentDecoder& operator=(ContentDecoder&&) noexcept;

  // Consumes bytes from `in`, appends plain bytes to `out`, and stops when `in` is used up or `out`
  // has `max_out` bytes (then call again with the rest of `in`, even if that is empty, once `out`
  // has room). Returns how many bytes of `in` were consumed. kMalformed for bytes that are no such
  // data or follow its end, kTooLarge for a window beyond the bound; the decoder is then dead and
  // repeats the error. `out` may then hold plain bytes decoded before it.
  Result<std::size_t> feed(std::string_view in, std::string& out, std::size_t max_out);

  // Call at the end of the body, after feed() has returned with room left in `out`: kMalformed when
  // the data was cut short. An empty body is good.
  Status finish() const;

  class Engine;  // one per library, in the source

 private:
  std::unique_ptr<Engine> engine_;
  bool begun_ = false;
  bool dead_ = false;
  Error error_;
};

}  // namespace deployclaw::scrub
