#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace deployclaw::http {

struct JsonLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 32;  // nesting of objects and arrays
};

// Parses one JSON text (RFC 8259) from hostile bytes. Beyond the grammar it refuses: invalid
// UTF-8, NUL in a string or key, unpaired surrogate escapes, duplicate keys (kInvalid with the
// pointer), numbers that fit neither 64-bit integers nor a finite double, depth and size over the
// limits, anything after the value. Errors are kMalformed, kInvalid or kTooLarge and safe to show.
Result<boost::json::value> parse_json(std::string_view bytes, JsonLimits limits = {});

// True when the request says `Content-Type: application/json`, with no parameter but charset=utf-8.
bool has_json_content_type(const Request& request);

// The request's body as an object: Content-Type enforced (kUnsupported → 415), then parse_json;
// another type of value is kInvalid.
Result<boost::json::object> json_object_body(const Request& request, JsonLimits limits = {});

// Appends one reference token to a JSON pointer, escaped (RFC 6901 §3).
std::string json_pointer(std::string_view base, std::string_view token);

}  // namespace deployclaw::http
