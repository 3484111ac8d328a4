#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "models/endpoint.hpp"
#include "models/price.hpp"

namespace deployclaw::models {

// What an answer says it used, gathered over all of its events: numbers grow, none is taken back.
struct Usage {
  std::optional<std::uint64_t> input;
  std::optional<std::uint64_t> output;
  std::optional<std::uint64_t> total;
  std::uint64_t cached = 0;
  std::uint64_t cache_write = 0;       // all of them
  std::uint64_t cache_write_hour = 0;  // those among them
  std::uint64_t thoughts = 0;          // not in `output`
  std::uint64_t tool_input = 0;        // not in `input`
  bool ended = false;                  // the answer said that it is at its end
  bool other_tier = false;             // it was billed at another price than the one asked for

  [[nodiscard]] bool any() const { return input || output || total; }
};

// Notes one number or text of an answer by its path of keys from the top ("usage.prompt_tokens";
// elements of lists are "[]", a list at the very top is none). Paths of no meaning are ignored.
void note_number(Usage& usage, std::string_view path, std::uint64_t value);
void note_text(Usage& usage, std::string_view path, std::string_view text);
// The longest path that means something has so many keys.
inline constexpr std::size_t kDeepestUsage = 4;

// As the dialect means it: every token once.
Tokens tokens_of(Dialect dialect, const Usage& usage);

// All that there is to pay is known. `streamed`: only then does the end have to be told.
bool is_complete(Dialect dialect, const Usage& usage, bool streamed);

}  // namespace deployclaw::models
