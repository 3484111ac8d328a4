// Hostile JSON: never crashes, and what is accepted is accepted again when written out. (Not equal
// to the bit: Boost.JSON rounds some doubles differently on their second way in.)
#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "http/json_body.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  namespace http = deployclaw::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = http::parse_json(text, {.max_bytes = 64 * 1024});
  if (!value) return 0;
  const auto again = http::parse_json(boost::json::serialize(*value));
  if (!again || again->kind() != value->kind()) std::abort();
  return 0;
}
