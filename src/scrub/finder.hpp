#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "scrub/form.hpp"
#include "scrub/matcher.hpp"
#include "scrub/secret_patterns.hpp"

namespace deployclaw::scrub {

struct Finding {
  std::uint32_t id = 0;
  Form form = {};
  bool operator==(const Finding&) const = default;
};

// Looks for values in one byte stream without changing it: placeholders in the wrong place (a set
// whose values are placeholders), real secrets in a request. Belongs to one thread.
class Finder {
 public:
  struct Outcome {
    std::optional<Finding> finding;  // the first in the stream; it then stays set
    std::size_t ready = 0;  // bytes from the front that hold no part of any value, found or begun
  };

  explicit Finder(std::shared_ptr<const PatternSet> patterns);

  // As Scrubber::scrub: what is behind `ready` must be presented again in front of the next bytes.
  // Once there is a finding, `ready` never goes beyond its first byte, and later calls give 0.
  Outcome scan(std::string_view data, bool end);

 private:
  std::shared_ptr<const PatternSet> patterns_;
  Matcher matcher_;
  std::optional<Finding> finding_;
};

// The first value in one whole string: a header's value, a URL. Thread-safe.
std::optional<Finding> find_in(const PatternSet& patterns, std::string_view text);

}  // namespace deployclaw::scrub
