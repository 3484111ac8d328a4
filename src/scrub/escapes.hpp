#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace deployclaw::scrub {

// The three characters that begin an escape.
constexpr bool is_introducer(unsigned char c) { return c == '%' || c == '\\' || c == '&'; }

// Kinds of escapes, as bits.
inline constexpr std::uint8_t kPercentEscape = 1;
inline constexpr std::uint8_t kJsonEscape = 2;
inline constexpr std::uint8_t kHtmlEscape = 4;

inline constexpr std::size_t kMostEscapeBytes = 64;  // a longer one, as written, is none

constexpr int hex_value(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What may follow each introducer in an escape, as bits by introducer (k…Escape).
inline constexpr auto kMayFollow = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (hex_value(byte) >= 0) table[c] |= kPercentEscape;
    if (std::string_view("\"\\/bfnrtu").find(static_cast<char>(c)) != std::string_view::npos) {
      table[c] |= kJsonEscape;
    }
    if (letter || c == '#') table[c] |= kHtmlEscape;
  }
  return table;
}();

// False when no escape stands at text[at] (an introducer), however the text goes on: the cheap
// question before read_escapes().
inline bool may_be_escape(std::string_view text, std::size_t at) {
  const auto follows = [&](std::size_t introducer) {
    const char c = text[introducer];
    const auto kind = c == '%' ? kPercentEscape : c == '\\' ? kJsonEscape : kHtmlEscape;
    return (kMayFollow[static_cast<unsigned char>(text[introducer + 1])] & kind) != 0;
  };
  if (at + 2 >= text.size() || follows(at)) return true;
  return is_introducer(static_cast<unsigned char>(text[at + 1])) && follows(at + 1);
}

// What stands at one place of a text, read as an escape.
struct Escape {
  enum class State : std::uint8_t {
    kNone,
    kUnfinished,  // the text ends inside it
    kComplete,
  };
  State state = State::kNone;
  std::uint8_t size = 0;   // bytes as written
  std::uint8_t count = 0;  // bytes it stands for: 1, or a character in UTF-8
  std::uint8_t kinds = 0;  // k…Escape bits
  std::array<unsigned char, 4> bytes{};
};

// Both readings of the escape at text[at], which must be an introducer: `plain` as it stands, and
// `nested` as an escape written with escapes (%252F is '%' and '/'). When `end` is false, more text
// may follow. Percent: RFC 3986 §2.1. JSON: RFC 8259 §7. HTML: WHATWG §13.5, the names of ASCII
// characters, and at most 16 digits. Pure.
struct Escapes {
  Escape plain;
  Escape nested;
};
Escapes read_escapes(std::string_view text, std::size_t at, bool end);

}  // namespace deployclaw::scrub
