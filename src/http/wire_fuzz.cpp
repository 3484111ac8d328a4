// Hostile heads, paths and chunked bodies: never crashes; a chunked body reads the same however it
// is split, and its trailers are fields.
#include <cstdlib>
#include <utility>
#include <vector>

#include "http/url.hpp"
#include "http/wire.hpp"

namespace {

namespace http = deployclaw::http;

struct Decoded {
  bool good = true;
  bool done = false;
  std::string out;
  std::vector<std::pair<std::string, std::string>> trailers;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view text, std::size_t step) {
  Decoded result;
  http::ChunkedDecoder decoder;
  while (!text.empty() && !decoder.done()) {
    const std::string_view piece = text.substr(0, step);
    const auto used = decoder.feed(piece, result.out, 1 << 20);
    if (!used) {
      result.good = false;
      return result;
    }
    if (!decoder.done() && *used != piece.size()) std::abort();
    text.remove_prefix(*used);
  }
  result.done = decoder.done();
  result.trailers = decoder.trailers().all();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t from = 0;
  const std::size_t end = http::find_head_end(text, from);
  const std::string_view head = text.substr(0, end);
  const auto request = http::parse_request_head(head);
  if (request) {
    if (request->headers.count("host") != 1) std::abort();
    for (const auto& [name, value] : request->headers.all()) {
      if (!http::is_safe_field(name, value)) std::abort();
    }
    (void)http::canonical_path(request->target);
  }
  (void)http::parse_response_head(head, http::Method::kGet);
  if (const auto path = http::canonical_path(text)) {
    if (path->find("/../") != std::string::npos || !path->starts_with('/')) std::abort();
  }
  const Decoded whole = decode(text, text.size() + 1);
  const Decoded bytes = decode(text, 1);
  if (whole != bytes || whole.trailers.size() > 64) std::abort();
  for (const auto& [name, value] : whole.trailers) {
    if (!http::is_safe_field(name, value)) std::abort();
  }
  return 0;
}
