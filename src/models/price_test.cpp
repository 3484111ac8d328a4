#include "models/price.hpp"

#include <gtest/gtest.h>

namespace deployclaw::models {
namespace {

TEST(PriceTest, ReadsExactDecimals) {
  EXPECT_EQ(parse_price("1.25"), 1'250'000U);
  EXPECT_EQ(parse_price("0"), 0U);
  EXPECT_EQ(parse_price("0.000001"), 1U);
  EXPECT_EQ(parse_price("2000"), kDearestRate);
  EXPECT_EQ(parse_price("0.075"), 75'000U);
}

TEST(PriceTest, RefusesAllThatIsNoExactDecimal) {
  for (const auto* text : {"", ".", "1.", ".5", "-1", "+1", "1e3", "NaN", "inf", "1,25", " 1", "1 ",
                           "0.0000001", "2000.000001", "99999", "0x1", "1.2.3", "1_000"}) {
    EXPECT_EQ(parse_price(text), std::nullopt) << text;
  }
}

TEST(PriceTest, WritesWhatItReads) {
  for (const auto* text : {"1.25", "0", "0.000001", "2000", "0.075", "10"}) {
    EXPECT_EQ(price_text(parse_price(text).value()), text);
  }
}

TEST(PriceTest, RoundsUpOnceAtTheEnd) {
  const Rates rates{.input = 1, .cached_input = 1, .output = 1};
  EXPECT_EQ(cost(rates, {}), 0U);
  EXPECT_EQ(cost(rates, {.input = 1}), 1U);
  EXPECT_EQ(cost(rates, {.input = 500'000, .cached_input = 500'000}), 1U);
  EXPECT_EQ(cost(rates, {.input = 500'000, .cached_input = 500'000, .output = 1}), 2U);
}

TEST(PriceTest, CountsEachClassOfTokensAtItsOwnPrice) {
  const Rates rates{.input = 3'000'000,
                    .cached_input = 300'000,
                    .cache_write = 3'750'000,
                    .cache_write_hour = 6'000'000,
                    .output = 15'000'000};
  const Tokens tokens{.input = 1000,
                      .cached_input = 10'000,
                      .cache_write = 2000,
                      .cache_write_hour = 3000,
                      .output = 500};
  EXPECT_EQ(cost(rates, tokens), 3000U + 3000U + 7500U + 18'000U + 7500U);
  EXPECT_EQ(tokens.all_input(), 16'000U);
}

TEST(PriceTest, DoesNotOverflow) {
  const auto most = ~std::uint64_t{0};
  const Rates rates{.input = most,
                    .cached_input = most,
                    .cache_write = most,
                    .cache_write_hour = most,
                    .output = most};
  const Tokens tokens{.input = most,
                      .cached_input = most,
                      .cache_write = most,
                      .cache_write_hour = most,
                      .output = most};
  EXPECT_EQ(cost(rates, tokens), 5 * (kMostTokens * kDearestRate / 1'000'000));
  EXPECT_EQ(tokens.all_input(), kMostTokens);
}

}  // namespace
}  // namespace deployclaw::models
