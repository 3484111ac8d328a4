#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deployclaw {

using Bytes = std::vector<unsigned char>;

// RFC 4648 encodings. Decoders are strict: wrong alphabet, length, padding or non-zero trailing
// bits give nullopt.
std::string base64_encode(std::span<const unsigned char> data);     // §4, padded
std::string base64url_encode(std::span<const unsigned char> data);  // §5, unpadded
std::optional<Bytes> base64_decode(std::string_view text);
std::optional<Bytes> base64url_decode(std::string_view text);
std::string base32_encode(std::span<const unsigned char> data);  // §6, unpadded
std::optional<Bytes> base32_decode(std::string_view text);    // case-insensitive, padding optional
std::string hex_encode(std::span<const unsigned char> data);  // lower case
std::optional<Bytes> hex_decode(std::string_view text);

// A view of a string's bytes.
inline std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace deployclaw
