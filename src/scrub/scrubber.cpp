#include "scrub/scrubber.hpp"

#include <algorithm>
#include <cstring>

#include "scrub/pattern_index.hpp"
#include "scrub/replacement.hpp"

namespace deployclaw::scrub {

Scrubber::Scrubber(std::shared_ptr<const PatternSet> patterns)
    : patterns_(std::move(patterns)), matcher_(patterns_->index()) {}

std::size_t Scrubber::scrub(char* data, std::size_t size, bool end) {
  const std::size_t ready = matcher_.scan({data, size}, end);
  const PatternIndex& index = patterns_->index();
  std::size_t done = 0;  // everything found before this is overwritten
  for (const Match& match : matcher_.matches()) {
    record(match);
    // What stands behind `ready` is presented again, and found again in a later match.
    const std::size_t stop = std::min(match.end, ready);
    if (stop <= done) continue;
    if (match.begin < done) {
      std::memset(data + done, '*', stop - done);
    } else {
      const std::string_view found(data + match.begin, match.end - match.begin);
      const std::string text =
          replacement_for(index, index.patterns[match.pattern], match.form, found);
      std::memcpy(data + match.begin, text.data(), stop - match.begin);
    }
    done = stop;
  }
  return ready;
}

void Scrubber::record(const Match& match) {
  const PatternIndex& index = patterns_->index();
  const std::uint32_t id = index.values[index.patterns[match.pattern].value].id;
  for (Hit& hit : hits_) {
    if (hit.id == id && hit.form == match.form) {
      ++hit.count;
      return;
    }
  }
  hits_.push_back({.id = id, .form = match.form, .count = 1});
}

}  // namespace deployclaw::scrub
