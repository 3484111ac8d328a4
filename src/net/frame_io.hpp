#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace deployclaw::net {

inline constexpr std::size_t kFrameHeader = 4;

// The length that goes before a frame, big-endian.
inline std::array<char, kFrameHeader> frame_header(std::size_t size) {
  std::array<char, kFrameHeader> out{};
  for (std::size_t i = 0; i < kFrameHeader; ++i) {
    out[i] = static_cast<char>((size >> (8 * (kFrameHeader - 1 - i))) & 0xff);
  }
  return out;
}

inline std::size_t frame_size(std::span<const char, kFrameHeader> header) {
  std::size_t size = 0;
  for (const char c : header) size = size << 8 | static_cast<unsigned char>(c);
  return size;
}

}  // namespace deployclaw::net
