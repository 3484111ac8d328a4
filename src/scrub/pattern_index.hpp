#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scrub/form.hpp"
#include "scrub/grams.hpp"
#include "scrub/wiping_allocator.hpp"

// How values are found. A value has five patterns: its bytes, its hex digits, its base64 characters
// at each alignment. Two structures over all patterns of a set:
//
// - A tree per coding, whose paths are the patterns. Walking it from a place of the text decides
//   whether a value stands there (walk.hpp), escapes included.
// - Grams: the four characters at each offset of each pattern, by hash, so that places where no
//   value can stand are passed at a fraction of a lookup per byte. A bitmap answers "none" first.
namespace deployclaw::scrub {

inline constexpr std::uint32_t kNoPattern = std::numeric_limits<std::uint32_t>::max();

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

struct PatternIndex {
  std::vector<Value> values;
  std::vector<Pattern> patterns;

  WipedVector<Node> nodes;
  std::array<std::array<std::uint32_t, 256>, 3> roots{};  // node by first symbol; 0: none
  std::array<bool, 256> known{};                          // bytes that occur in any pattern

  std::size_t stride = 0;          // a sampled place in each so many bytes meets every plain match
  std::size_t fewest_symbols = 0;  // the shortest pattern: no text of fewer bytes holds a value
  std::size_t most_symbols = 0;    // the longest pattern
  std::size_t most_raw = 0;        // the longest way to write a pattern that is still recognised
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
