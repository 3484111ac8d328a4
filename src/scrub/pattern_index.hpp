#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scrub/form.hpp"
#include "scrub/wiping_allocator.hpp"

// How values are found. A value has five patterns: its bytes, its hex digits, its base64 characters
// at each alignment. Two structures over all patterns of a set:
//
// - A tree per coding, whose paths are the patterns. Walking it from a place of the text decides
//   whether a value stands there (walk.hpp), escapes included.
// - Grams: the four characters at each offset of each pattern, by hash, so that places where no
//   value can stand are passed at a fraction of a lookup per byte. A bitmap answers "none" first.
namespace deployclaw::scrub {

inline constexpr std::size_t kGramBytes = 4;
inline constexpr std::uint32_t kNoPattern = std::numeric_limits<std::uint32_t>::max();

// Four characters with letters in one case: hex and base64 differ in case only where the tree
// tells; a coarser gram costs a needless walk, never a miss.
constexpr std::uint32_t fold_gram(std::uint32_t raw) { return raw | 0x20202020U; }
inline std::uint32_t gram_at(const char* text) {
  std::uint32_t raw = 0;
  std::memcpy(&raw, text, sizeof raw);
  return fold_gram(raw);
}

struct Value {
  std::uint32_t id = 0;
  std::size_t size = 0;  // bytes
  std::string placeholder;
};

struct Pattern {
  std::uint32_t value = 0;  // index into values
  Coding coding = Coding::kLiteral;
  std::uint8_t alignment = 0;  // base64: bytes before the value, modulo 3
};

// A place in a tree. Siblings are linked; the roots (nodes 0, 1, 2) have tables instead.
struct Node {
  std::uint32_t first_child = 0;  // 0: none
  std::uint32_t next_sibling = 0;
  std::uint32_t pattern = kNoPattern;  // the pattern that ends here
  unsigned char symbol = 0;
};

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

struct PatternIndex {
  std::vector<Value> values;
  std::vector<Pattern> patterns;

  WipedVector<Node> nodes;
  std::array<std::array<std::uint32_t, 256>, 3> roots{};  // node by first symbol; 0: none
  std::array<bool, 256> known{};                          // bytes that occur in any pattern

  std::size_t stride = 0;        // a sampled place in each so many bytes meets every plain match
  std::size_t most_symbols = 0;  // the longest pattern
  std::size_t most_raw = 0;      // the longest way to write a pattern that is still recognised
  Bitmap sampled_grams;
  Bitmap all_grams;
  WipedVector<Gram> grams;                 // by bucket
  WipedVector<std::uint32_t> bucket_ends;  // bucket b: grams [bucket_ends[b], bucket_ends[b + 1])
  unsigned bucket_shift = 31;

  ~PatternIndex();
  [[nodiscard]] bool empty() const { return values.empty(); }

  // Adds a value; finish() must follow the last one.
  void add(std::uint32_t id, std::string_view value, std::string placeholder);
  void finish();

  // The child of `node` by the (unfolded) byte `c`; 0 when there is none.
  [[nodiscard]] std::uint32_t child(Coding coding, std::uint32_t node, unsigned char c) const;

 private:
  void add_pattern(Pattern pattern, std::string_view symbols);
  void collect_grams(std::uint32_t pattern, std::string_view symbols);
  void build_buckets();
  std::vector<std::size_t> sizes_;  // symbols of each pattern
};

// The byte as a tree of this coding spells it: hex in lower case, base64 in the standard alphabet.
constexpr unsigned char fold_symbol(Coding coding, unsigned char c) {
  if (coding == Coding::kHex) return c >= 'A' && c <= 'F' ? static_cast<unsigned char>(c | 32) : c;
  if (coding == Coding::kBase64) return c == '-' ? '+' : c == '_' ? '/' : c;
  return c;
}

inline std::uint32_t PatternIndex::child(Coding coding, std::uint32_t node, unsigned char c) const {
  const unsigned char symbol = fold_symbol(coding, c);
  if (node < roots.size()) return roots[node][symbol];
  std::uint32_t at = nodes[node].first_child;
  while (at != 0 && nodes[at].symbol != symbol) at = nodes[at].next_sibling;
  return at;
}

// The base64 characters (standard alphabet) that `value` alone determines when `alignment` bytes
// (0 to 2) stand before it in the encoded data. Holds the value: wipe it.
std::string inner_base64(std::string_view value, std::size_t alignment);

}  // namespace deployclaw::scrub
