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
