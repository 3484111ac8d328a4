#include "base/encoding.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace deployclaw {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kHex = "0123456789abcdef";

// Both base64 and base32 cut the input into groups of `bits` bits, most significant first.
std::string encode(std::span<const unsigned char> data, std::string_view alphabet, unsigned bits) {
  std::string out;
  out.reserve((data.size() * 8 + bits - 1) / bits + 3);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (const unsigned char byte : data) {
    buffer = (buffer << 8) | byte;
    held += 8;
    while (held >= bits) {
      held -= bits;
      out += alphabet[(buffer >> held) & ((1U << bits) - 1)];
    }
    buffer &= (1U << held) - 1;
  }
  if (held > 0) out += alphabet[(buffer << (bits - held)) & ((1U << bits) - 1)];
  return out;
}

std::array<std::int8_t, 256> reverse(std::string_view alphabet) {
  std::array<std::int8_t, 256> table;
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}

std::optional<Bytes> decode(std::string_view text, const std::array<std::int8_t, 256>& table,
                            unsigned bits) {
  Bytes out;
  out.reserve(text.size() * bits / 8);
  std::uint32_t buffer = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::int8_t value = table[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    buffer = (buffer << bits) | static_cast<std::uint32_t>(value);
    held += bits;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<unsigned char>((buffer >> held) & 0xFF));
    }
    buffer &= (1U << held) - 1;
  }
  // What is left must be padding only: less than one symbol, all zero.
  if (held >= bits || buffer != 0) return std::nullopt;
  return out;
}

}  // namespace

std::string base64_encode(std::span<const unsigned char> data) {
  std::string out = encode(data, kBase64, 6);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string base64url_encode(std::span<const unsigned char> data) {
  return encode(data, kBase64Url, 6);
}

std::optional<Bytes> base64_decode(std::string_view text) {
  static const auto table = reverse(kBase64);
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, table, 6);
}

std::optional<Bytes> base64url_decode(std::string_view text) {
  static const auto table = reverse(kBase64Url);
  return decode(text, table, 6);
}

std::string base32_encode(std::span<const unsigned char> data) { return encode(data, kBase32, 5); }

std::optional<Bytes> base32_decode(std::string_view text) {
  static const auto table = [] {
    auto t = reverse(kBase32);
    for (unsigned char c = 'A'; c <= 'Z'; ++c) t[static_cast<unsigned char>(c + 32)] = t[c];
    return t;
  }();
  while (text.ends_with('=')) text.remove_suffix(1);
  return decode(text, table, 5);
}

std::string hex_encode(std::span<const unsigned char> data) { return encode(data, kHex, 4); }

std::optional<Bytes> hex_decode(std::string_view text) {
  static const auto table = [] {
    auto t = reverse(kHex);
    for (unsigned char c = 'a'; c <= 'f'; ++c) t[static_cast<unsigned char>(c - 32)] = t[c];
    return t;
  }();
  if (text.size() % 2 != 0) return std::nullopt;
  return decode(text, table, 4);
}

bool is_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080U;
  std::size_t i = 0;
  while (i < text.size()) {
    // Most text is ASCII, and is looked at eight characters at a time.
    std::uint64_t eight = 0;
    if (text.size() - i >= sizeof eight) {
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & kHighBits) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t extra = 0;
    std::uint32_t point = 0;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
      extra = 1;
      point = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      extra = 2;
      point = lead & 0x0FU;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      extra = 3;
      point = lead & 0x07U;
    } else {
      return false;
    }
    if (i + extra >= text.size()) return false;
    for (std::size_t k = 1; k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80U) return false;
      point = (point << 6) | (next & 0x3FU);
    }
    const bool overlong = (extra == 2 && point < 0x800) || (extra == 3 && point < 0x10000);
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (overlong || surrogate || point > 0x10FFFF) return false;
    i += extra + 1;
  }
  return true;
}

}  // namespace deployclaw
