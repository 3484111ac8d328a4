#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "scrub/form.hpp"
#include "scrub/wiping_allocator.hpp"

namespace deployclaw::scrub {

inline constexpr std::size_t kGramBytes = 4;
static_assert(std::endian::native == std::endian::little,
              "a gram's first character is its lowest byte");

// Four characters with letters in one case: hex and base64 differ in case only where the tree
// tells; a coarser gram costs a needless walk, never a miss.
constexpr std::uint32_t fold_gram(std::uint32_t raw) { return raw | 0x20202020U; }
inline std::uint32_t gram_at(const char* text) {
  std::uint32_t raw = 0;
  std::memcpy(&raw, text, sizeof raw);
  return fold_gram(raw);
}

// Four characters of a pattern, and where in it they stand.
struct Gram {
  std::uint32_t key = 0;
  std::uint32_t offset = 0;
  Coding coding = Coding::kLiteral;
  bool sampled = false;   // offset < stride: what the sampling pass looks for
  bool near_end = false;  // at most three characters follow, and at least one
  bool operator==(const Gram&) const = default;
};

// A set of hashes that may say yes wrongly.
class Bitmap {
 public:
  void resize(unsigned bits_log2) {
    shift_ = 32 - bits_log2;
    words_.assign((std::size_t{1} << bits_log2) / 64, 0);
  }
  void insert(std::uint32_t hash) { words_[hash >> shift_ >> 6] |= bit(hash); }
  [[nodiscard]] bool may_hold(std::uint32_t hash) const {
    return (words_[hash >> shift_ >> 6] & bit(hash)) != 0;
  }

 private:
  [[nodiscard]] std::uint64_t bit(std::uint32_t hash) const {
    return std::uint64_t{1} << ((hash >> shift_) & 63);
  }
  WipedVector<std::uint64_t> words_;
  unsigned shift_ = 16;
};

constexpr std::uint32_t hash_gram(std::uint32_t key) {
  key *= 0x9E3779B1U;
  return key ^ (key >> 15);
}

}  // namespace deployclaw::scrub
