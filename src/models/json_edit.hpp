#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Changes to a JSON text that leave every other byte as it was.
namespace deployclaw::models {

// The bytes [begin, end) of a value in a text.
struct ValueSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The value of the member at `path`, keys of objects from the top. `json` has passed
// http::parse_json. Keys written with escapes are found too: an agent must not have one number
// checked and another one sent. nullopt when there is none. O(n).
std::optional<ValueSpan> find_member(std::string_view json, std::span<const std::string_view> path);

// Puts `"key":value` in front of the members of the object at `path` (empty: the top). Returns
// where the value stands now. `json` must have that object.
ValueSpan insert_member(std::string& json, std::span<const std::string_view> path,
                        std::string_view key, std::string_view value);

}  // namespace deployclaw::models
