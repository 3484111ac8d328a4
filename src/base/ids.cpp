#include "base/ids.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/random.hpp"

namespace deployclaw::detail {

std::array<unsigned char, 16> random_uuid() {
  std::array<unsigned char, 16> bytes;
  random_bytes(bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  return bytes;
}

std::optional<std::array<unsigned char, 16>> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  digits.reserve(32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash_place = i == 8 || i == 13 || i == 18 || i == 23;
    if ((text[i] == '-') != dash_place) return std::nullopt;
    if (!dash_place) digits += text[i];
  }
  const auto raw = hex_decode(digits);
  if (!raw) return std::nullopt;
  std::array<unsigned char, 16> bytes;
  std::copy(raw->begin(), raw->end(), bytes.begin());
  return bytes;
}

std::string format_uuid(const std::array<unsigned char, 16>& bytes) {
  std::string text = hex_encode(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace deployclaw::detail
