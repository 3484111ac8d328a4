#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "scrub/pattern_index.hpp"

namespace deployclaw::scrub {

// Asks whether a value of one coding stands at the beginning of a text. A text can be read in more
// than one way only where an escape stands (a value may itself hold "%41"), so this follows a few
// threads, nearly always one. Can go on when more text has come. Cheap to copy.
class Walk {
 public:
  enum class Outcome : std::uint8_t {
    kNone,
    kMatch,  // see size(), pattern(), escapes(): the longest value that stands here
    kOpen,   // more text decides
  };

  explicit Walk(Coding coding) : coding_(coding) {
    park({.node = root(), .at = 0, .escapes = 0, .escape_only = false});
  }

  // `text` begins where the walk began and holds all that was given before. With `end` no more
  // follows, and the outcome is not kOpen.
  Outcome run(const PatternIndex& index, std::string_view text, bool end);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint32_t pattern() const { return pattern_; }
  [[nodiscard]] std::uint8_t escapes() const { return escapes_; }
  // Characters looked at by the last run().
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  struct Thread {
    std::uint32_t node;
    std::uint32_t at;
    std::uint8_t escapes;
    bool escape_only;  // its reading as plain characters has gone on already
  };
  class Stack;

  [[nodiscard]] std::uint32_t root() const { return static_cast<std::uint32_t>(coding_); }
  void follow(const PatternIndex& index, std::string_view text, bool end, Thread thread,
              Stack& stack);
  void park(Thread thread);
  void note_end(const PatternIndex& index, const Thread& thread);

  static constexpr std::size_t kMostParked = 6;
  std::array<Thread, kMostParked> parked_{};
  std::uint8_t parked_count_ = 0;
  Coding coding_;
  std::uint8_t escapes_ = 0;
  std::uint32_t pattern_ = kNoPattern;
  std::size_t size_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace deployclaw::scrub
