#include "services/visible_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace deployclaw::services {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15: general categories Cc, Cf, Zl and Zp, default-ignorable code points that are letters,
// private use and non-characters at the end of the first plane.
constexpr std::array kHidden{
    Range{0x0000, 0x001f},   Range{0x007f, 0x009f},   Range{0x00ad, 0x00ad},
    Range{0x034f, 0x034f},   Range{0x0600, 0x0605},   Range{0x061c, 0x061c},
    Range{0x06dd, 0x06dd},   Range{0x070f, 0x070f},   Range{0x115f, 0x1160},
    Range{0x17b4, 0x17b5},   Range{0x180b, 0x180f},   Range{0x200b, 0x200f},
    Range{0x2028, 0x202e},   Range{0x2060, 0x206f},   Range{0x2800, 0x2800},
    Range{0x3164, 0x3164},   Range{0xe000, 0xf8ff},   Range{0xfeff, 0xfeff},
    Range{0xffa0, 0xffa0},   Range{0xfff0, 0xfffb},   Range{0xfffe, 0xffff},
    Range{0x13430, 0x1345f}, Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a},
    Range{0xe0000, 0x10ffff}};

bool is_hidden(char32_t c) {
  return std::ranges::any_of(kHidden, [c](Range r) { return c >= r.first && c <= r.last; });
}

// The code point at the front and how many bytes it has; 0 bytes when it is no UTF-8 (RFC 3629).
struct Decoded {
  char32_t point = 0;
  std::size_t size = 0;
};
Decoded decode(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  char32_t point = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return {};
    point = point << 6U | (at(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (point < kLeast[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {};
  return {point, size};
}

}  // namespace

std::string visible_text(std::string_view bytes, Lines lines) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    if (lines == Lines::kMany && bytes.starts_with("\r\n")) {
      out += '\n';
      bytes.remove_prefix(2);
      continue;
    }
    const auto [point, size] = decode(bytes);
    if (size == 0) {
      fmt::format_to(std::back_inserter(out), "<0x{:02X}>", static_cast<unsigned char>(bytes[0]));
      bytes.remove_prefix(1);
      continue;
    }
    const bool stays = lines == Lines::kMany && (point == '\n' || point == '\t');
    if (is_hidden(point) && !stays) {
      fmt::format_to(std::back_inserter(out), "<U+{:04X}>", static_cast<std::uint32_t>(point));
    } else {
      out += bytes.substr(0, size);
    }
    bytes.remove_prefix(size);
  }
  return out;
}

bool is_readable(std::string_view bytes) {
  const std::size_t all = bytes.size();
  std::size_t hidden = 0;
  while (!bytes.empty()) {
    const auto [point, size] = decode(bytes);
    if (size == 0) return false;
    const bool layout = point == '\n' || point == '\t' || point == '\r';
    if (is_hidden(point) && !layout) ++hidden;
    bytes.remove_prefix(size);
  }
  return hidden <= 16 + all / 64;
}

}  // namespace deployclaw::services
