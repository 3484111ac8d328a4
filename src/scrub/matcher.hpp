#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "scrub/form.hpp"
#include "scrub/walk.hpp"

namespace deployclaw::scrub {

// A value that stands at text[begin, end).
struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint32_t pattern = 0;
  Form form = {};
};

// What Scrubber and Finder share: finds every value in a stream whose undecided end is presented
// again. The index must outlive it. Belongs to one thread.
//
// Two passes. Sampling: a value in plain characters covers one of the places `stride` apart, so
// looking at four characters there is enough to know where a walk is worth it. Escapes: a value
// with an escape has a first one; before it all is plain, so either the four characters from it on,
// or, near the value's end, the four before it, are among the grams. What lies too near the end of
// the text for either is walked from each place from which there is room for a value.
class Matcher {
 public:
  explicit Matcher(const PatternIndex& index) : index_(index) {}

  // Finds the matches in `text` and returns where the undecided rest begins (text.size(): none).
  // Matches that begin there or later are left for the next call; one may reach into it.
  std::size_t scan(std::string_view text, bool end);

  // Of the last scan, by begin, longer ones first. They may overlap.
  [[nodiscard]] std::span<const Match> matches() const { return matches_; }

  // Characters looked at so far: what the time taken is proportional to.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  void sample();
  void probe(std::uint32_t gram, std::size_t at);
  void look_for_escapes();
  void consider_escape(std::size_t at);
  void follow_grams(std::uint32_t gram, std::size_t spelt, std::size_t at, std::size_t escape);
  void start_at_gram(std::uint32_t key, std::size_t at, bool near_end);
  void try_tail();
  void start(Coding coding, std::size_t at);
  [[nodiscard]] bool begins_plainly(Coding coding, std::size_t at) const;
  void leave_undecided(std::size_t escape);
  std::size_t settle();

  struct Open {
    std::size_t begin = 0;
    Walk walk;
  };

  const PatternIndex& index_;
  std::vector<Match> matches_;
  std::uint64_t steps_ = 0;
  std::optional<Open> open_;  // the first walk that needs more text; begin is from the rest's begin

  // Of the scan going on:
  std::string_view text_;
  bool end_ = false;
  std::size_t tail_ = 0;  // from here on each place is walked
};

}  // namespace deployclaw::scrub
