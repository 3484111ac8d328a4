#include "scrub/secret_patterns.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "scrub/escapes.hpp"
#include "scrub/finder.hpp"
#include "scrub/pattern_index.hpp"

namespace deployclaw::scrub {
namespace {

std::size_t distinct_bytes(std::string_view text) {
  std::array<bool, 256> seen{};
  for (const char c : text) seen[static_cast<unsigned char>(c)] = true;
  return static_cast<std::size_t>(std::ranges::count(seen, true));
}

bool is_placeholder_character(char c) {
  return c > ' ' && c <= '~' && std::string_view("\"'`\\%&<>").find(c) == std::string_view::npos;
}

std::string name_of(const PatternSource& source) { return "value " + std::to_string(source.id); }

Status check(const PatternSource& source) {
  const std::size_t size = source.value.size();
  if (size < PatternSet::kLeastBytes) {
    return fail(Code::kInvalid,
                name_of(source) + " is too short to be found safely: " + std::to_string(size) +
                    " bytes, at least " + std::to_string(PatternSet::kLeastBytes) + " are needed");
  }
  if (size > PatternSet::kMostBytes) {
    return fail(Code::kInvalid, name_of(source) + " is too long: " + std::to_string(size) +
                                    " bytes, at most " + std::to_string(PatternSet::kMostBytes));
  }
  if (distinct_bytes(source.value.expose_text()) < PatternSet::kLeastDistinctBytes) {
    return fail(Code::kInvalid,
                name_of(source) + " is too regular to be found safely: fewer than " +
                    std::to_string(PatternSet::kLeastDistinctBytes) + " different bytes");
  }
  if (!std::ranges::all_of(source.placeholder, is_placeholder_character)) {
    return fail(Code::kInvalid, "the placeholder of " + name_of(source) +
                                    " has characters that need escaping somewhere");
  }
  return {};
}

}  // namespace

PatternSet::PatternSet(std::unique_ptr<const PatternIndex> index) : index_(std::move(index)) {}
PatternSet::~PatternSet() = default;

Result<std::shared_ptr<const PatternSet>> PatternSet::build(std::vector<PatternSource> sources) {
  auto index = std::make_unique<PatternIndex>();
  std::size_t total = 0;
  for (const PatternSource& source : sources) {
    if (auto status = check(source); !status) return fail(std::move(status.error()));
    total += source.value.size();
    if (total > kMostTotalBytes) {
      return fail(Code::kInvalid,
                  "the values together are over " + std::to_string(kMostTotalBytes) + " bytes");
    }
    index->add(source.id, source.value.expose_text(), source.placeholder);
  }
  index->finish();
  auto set = std::make_shared<const PatternSet>(std::move(index));
  for (const PatternSource& source : sources) {
    const std::string padded = source.placeholder + std::string(kLeastBytes, '*');
    if (find_in(*set, padded)) {
      return fail(Code::kInvalid,
                  "the placeholder of " + name_of(source) + " holds a value of the set");
    }
  }
  return set;
}

bool PatternSet::can_find(std::string_view value) {
  return value.size() >= kLeastBytes && value.size() <= kMostBytes &&
         distinct_bytes(value) >= kLeastDistinctBytes;
}

bool PatternSet::empty() const { return index_->empty(); }

std::size_t PatternSet::max_held() const {
  // A match that is kept whole, then one still open whose last escape is unfinished.
  return empty() ? 0 : 2 * index_->most_raw + kMostEscapeBytes;
}

}  // namespace deployclaw::scrub
