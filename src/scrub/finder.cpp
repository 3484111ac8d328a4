#include "scrub/finder.hpp"

#include <algorithm>

#include "scrub/pattern_index.hpp"

namespace deployclaw::scrub {

Finder::Finder(std::shared_ptr<const PatternSet> patterns)
    : patterns_(std::move(patterns)), matcher_(patterns_->index()) {}

Finder::Outcome Finder::scan(std::string_view data, bool end) {
  if (finding_) return {.finding = finding_, .ready = 0};
  const std::size_t ready = matcher_.scan(data, end);
  const auto matches = matcher_.matches();
  if (matches.empty()) return {.finding = std::nullopt, .ready = ready};
  const Match& first = matches.front();
  const PatternIndex& index = patterns_->index();
  finding_ =
      Finding{.id = index.values[index.patterns[first.pattern].value].id, .form = first.form};
  return {.finding = finding_, .ready = std::min(ready, first.begin)};
}

std::optional<Finding> find_in(const PatternSet& patterns, std::string_view text) {
  const PatternIndex& index = patterns.index();
  Matcher matcher(index);
  matcher.scan(text, true);
  if (matcher.matches().empty()) return std::nullopt;
  const Match& first = matcher.matches().front();
  return Finding{.id = index.values[index.patterns[first.pattern].value].id, .form = first.form};
}

}  // namespace deployclaw::scrub
