#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace deployclaw::services {

// Where a string stands in a JSON text: its bytes between the quotes.
struct JsonSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The string at `pointer` (RFC 6901). `json` has passed http::parse_json, so it is valid and has no
// key twice; keys that are written with escapes are not found. nullopt when there is nothing, or
// something else than a string. O(n), no allocation.
std::optional<JsonSpan> locate_json_string(std::string_view json, std::string_view pointer);

}  // namespace deployclaw::services
