#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::scrub {

struct PatternIndex;

// One value to look for. `id` is the caller's name for it; hits and findings repeat it.
struct PatternSource {
  std::uint32_t id = 0;
  Secret value;
  // What takes the value's place. Printable ASCII without space, quotes, \ % & < >, so that it is
  // safe in every context a value can be found in. Unused by Finder (may be empty there).
  std::string placeholder = {};
};

// What a Scrubber or Finder looks for: built once, immutable, shared between streams and threads.
//
// A value is recognised literally, in hex (either case) and in base64 (both alphabets, all three
// alignments: the characters that the value alone determines), and each character of those may be
// escaped: %2F, JSON's \/ \" \u002f (surrogate pairs too), HTML's &sol; &#47; &#x2f; (up to 16
// digits). Any subset of characters, any mixture, and one escape inside another (%252F, \\u002f,
// \u0026#47;), as long as one escape is written in at most 64 bytes and the whole in at most 12 for
// each byte of the longest value, plus 64. Not recognised: base64 broken into lines, base64 of
// base64, other charsets.
//
// All memory that tells anything of a value is wiped on destruction.
class PatternSet {
 public:
  static constexpr std::size_t kLeastBytes = 8;               // shorter values would hit by chance
  static constexpr std::size_t kMostBytes = 16 * 1024;        // one value
  static constexpr std::size_t kMostTotalBytes = 256 * 1024;  // all values of a set

  // kInvalid for a value that is too short or long, a set that is too large, a placeholder with
  // other characters, or one in which a value of the set would itself be found (message names the
  // id, never a value). An empty list gives a set that finds nothing, at no cost. Two equal values:
  // the first one's id and placeholder count.
  static Result<std::shared_ptr<const PatternSet>> build(std::vector<PatternSource> sources);

  // Whether build() takes such a value: its length, and at least kLeastDistinctBytes different
  // bytes. Fewer stand in ordinary data by chance ("00000000").
  static constexpr std::size_t kLeastDistinctBytes = 4;
  static bool can_find(std::string_view value);

  explicit PatternSet(std::unique_ptr<const PatternIndex> index);
  ~PatternSet();
  PatternSet(const PatternSet&) = delete;
  PatternSet& operator=(const PatternSet&) = delete;

  [[nodiscard]] bool empty() const;
  // The most bytes a Scrubber or Finder ever keeps back: two of the longest encoded forms. Ordinary
  // data has nothing, or a few bytes, kept back.
  [[nodiscard]] std::size_t max_held() const;
  // For this module.
  [[nodiscard]] const PatternIndex& index() const { return *index_; }

 private:
  std::unique_ptr<const PatternIndex> index_;
};

}  // namespace deployclaw::scrub
