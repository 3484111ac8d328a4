#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What tokens cost. Whole numbers only: no sum depends on its order, no cent is lost or won.
namespace deployclaw::models {

using MicroDollars = std::uint64_t;

// Micro-dollars for a million tokens.
struct Rates {
  std::uint64_t input = 0;
  std::uint64_t cached_input = 0;      // read from a cache
  std::uint64_t cache_write = 0;       // put into one, for minutes
  std::uint64_t cache_write_hour = 0;  // the same for an hour
  std::uint64_t output = 0;            // reasoning included
  bool operator==(const Rates&) const = default;
};

// The tokens of one call, each counted in one member only.
struct Tokens {
  std::uint64_t input = 0;
  std::uint64_t cached_input = 0;
  std::uint64_t cache_write = 0;
  std::uint64_t cache_write_hour = 0;
  std::uint64_t output = 0;
  [[nodiscard]] std::uint64_t all_input() const;
  bool operator==(const Tokens&) const = default;
};

// More tokens than any call has; larger numbers count as this one.
inline constexpr std::uint64_t kMostTokens = 1'000'000'000;
// The dearest price that is read: 2,000 dollars for a million tokens. With kMostTokens no sum of
// the five products overflows.
inline constexpr std::uint64_t kDearestRate = 2'000'000'000;

// What the tokens cost, rounded up once at the end. Pure.
MicroDollars cost(const Rates& rates, const Tokens& tokens);

// "1.25", dollars for a million tokens with up to six decimals, as micro-dollars; nullopt for
// anything else (signs, exponents, words) and for more than kDearestRate.
std::optional<std::uint64_t> parse_price(std::string_view text);
// The same back: 1250000 is "1.25".
std::string price_text(std::uint64_t rate);

}  // namespace deployclaw::models
