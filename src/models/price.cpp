#include "models/price.hpp"

#include <algorithm>
#include <string>

namespace deployclaw::models {

namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::size_t kMostWhole = 4;  // digits of dollars
constexpr std::size_t kMostDecimals = 6;
static_assert(kMostTokens * kDearestRate / kMostTokens == kDearestRate);
static_assert(kMostTokens * kDearestRate <= UINT64_MAX / 5);

std::uint64_t product(std::uint64_t rate, std::uint64_t tokens) {
  return std::min(rate, kDearestRate) * std::min(tokens, kMostTokens);
}

bool is_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::uint64_t Tokens::all_input() const {
  const auto bounded = [](std::uint64_t count) { return std::min(count, kMostTokens); };
  return std::min(kMostTokens, bounded(input) + bounded(cached_input) + bounded(cache_write) +
                                   bounded(cache_write_hour));
}

MicroDollars cost(const Rates& rates, const Tokens& tokens) {
  const std::uint64_t sum = product(rates.input, tokens.input) +
                            product(rates.cached_input, tokens.cached_input) +
                            product(rates.cache_write, tokens.cache_write) +
                            product(rates.cache_write_hour, tokens.cache_write_hour) +
                            product(rates.output, tokens.output);
  return sum / kMillion + (sum % kMillion != 0 ? 1 : 0);
}

std::optional<std::uint64_t> parse_price(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto decimals = dot == std::string_view::npos ? "0" : text.substr(dot + 1);
  if (whole.empty() || whole.size() > kMostWhole || !is_digits(whole)) return std::nullopt;
  if (decimals.empty() || decimals.size() > kMostDecimals || !is_digits(decimals)) {
    return std::nullopt;
  }
  std::string digits(whole);
  digits += decimals;
  digits.append(kMostDecimals - decimals.size(), '0');
  const std::uint64_t rate = std::stoull(digits);
  if (rate > kDearestRate) return std::nullopt;
  return rate;
}

std::string price_text(std::uint64_t rate) {
  auto decimals = std::to_string(rate % kMillion);
  decimals.insert(0, kMostDecimals - decimals.size(), '0');
  while (decimals.ends_with('0')) decimals.pop_back();
  auto text = std::to_string(rate / kMillion);
  if (!decimals.empty()) text += "." + decimals;
  return text;
}

}  // namespace deployclaw::models
