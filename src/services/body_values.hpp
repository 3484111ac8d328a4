#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Single values out of hostile bodies. Pure, bounded.
namespace deployclaw::services {

inline constexpr std::size_t kMostValues = 32;

// Strings, numbers and booleans at a pointer whose "*" is every element of an array; at most
// kMostValues.
std::vector<std::string> json_values(const boost::json::value& body, std::string_view pointer);

// The value of a field of an urlencoded or multipart form.
std::optional<std::string> form_value(std::string_view content_type, std::string_view body,
                                      std::string_view key);

// The value of a header field of an RFC 5322 message, unfolded; every occurrence, joined by ", ".
std::optional<std::string> mime_field(std::string_view message, std::string_view name);

// base64url or base64, padded or not, with line breaks; "" for anything else.
std::string lenient_base64(std::string_view text);

}  // namespace deployclaw::services
