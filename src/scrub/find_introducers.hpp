#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "scrub/escapes.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace deployclaw::scrub {

#if defined(__SSE2__)
// Bit i: text[i] is an introducer, for 16 bytes.
inline std::uint32_t introducers_of_16(const char* text) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('%')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('&'))));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(found));
}
#endif

// Calls `sink(position)` for each '%', '\' and '&' of the text, in order.
template <class Sink>
void find_introducers(std::string_view text, const Sink& sink) {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at + 64 <= text.size(); at += 64) {
    std::uint64_t found = 0;
    for (unsigned i = 0; i < 4; ++i) {
      found |= std::uint64_t{introducers_of_16(text.data() + at + 16 * i)} << (16 * i);
    }
    for (; found != 0; found &= found - 1) {
      sink(at + static_cast<std::size_t>(std::countr_zero(found)));
    }
  }
#endif
  for (; at < text.size(); ++at) {
    if (is_introducer(static_cast<unsigned char>(text[at]))) sink(at);
  }
}

}  // namespace deployclaw::scrub
