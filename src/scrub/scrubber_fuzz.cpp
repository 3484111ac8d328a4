// Hostile streams against the slow oracle: nothing that can be read as a secret comes through,
// however the bytes are split; lengths stay; data without a secret is untouched; what is held back
// is bounded.
#include <cstdlib>

#include "scrub/finder.hpp"
#include "scrub/scrubber.hpp"
#include "scrub/testing/slow_oracle.hpp"

namespace {

namespace scrub = deployclaw::scrub;

constexpr std::string_view kValues[] = {"abcdefg/", "a%41/\\\"&b+", "sk-12345678"};

std::shared_ptr<const scrub::PatternSet> make_set() {
  std::vector<scrub::PatternSource> sources;
  for (const auto value : kValues) {
    sources.push_back({.id = static_cast<std::uint32_t>(sources.size()),
                       .value = deployclaw::Secret::copy_of(value),
                       .placeholder = "PH"});
  }
  auto set = scrub::PatternSet::build(std::move(sources));
  if (!set) std::abort();
  return *set;
}

std::string scrubbed(const std::shared_ptr<const scrub::PatternSet>& set, std::string_view in,
                     std::size_t step, bool& found) {
  scrub::Scrubber scrubber(set);
  std::string buffer;
  std::string out;
  for (bool end = false; !end;) {
    buffer += in.substr(0, step);
    in.remove_prefix(std::min(step, in.size()));
    end = in.empty();
    const std::size_t ready = scrubber.scrub(buffer.data(), buffer.size(), end);
    out += buffer.substr(0, ready);
    buffer.erase(0, ready);
    if (buffer.size() > set->max_held()) std::abort();
  }
  if (!buffer.empty()) std::abort();
  found = !scrubber.hits().empty();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto kSet = make_set();
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 32;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  bool found = false;
  bool found_split = false;
  const std::string whole = scrubbed(kSet, text, text.size(), found);
  const std::string split = scrubbed(kSet, text, step, found_split);
  if (whole.size() != text.size() || split.size() != text.size()) std::abort();
  if (found != found_split || found != scrub::find_in(*kSet, text).has_value()) std::abort();
  if (!found && (whole != text || split != text)) std::abort();
  for (const auto value : kValues) {
    if (!found && scrub::testing::shows(text, value)) std::abort();
    if (scrub::testing::shows(whole, value) || scrub::testing::shows(split, value)) std::abort();
  }
  return 0;
}
