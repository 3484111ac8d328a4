#include "models/price_catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/catalogue.hpp"

namespace deployclaw::models {
namespace {

using ::testing::HasSubstr;
using Files = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kHead = "name = \"acme\"\nas_of = \"2026-01\"\nsource = \"a test\"\n";

std::string model(std::string_view match, std::string_view input, std::string_view output,
                  std::string_view more = "") {
  std::string text = "[[models]]\nmatch = [\"";
  text.append(match).append("\"]\ninput = \"").append(input).append("\"\noutput = \"");
  text.append(output).append("\"\ncontext = 1000\nmax_output = 100\n").append(more).append("\n");
  return text;
}

Result<PriceCatalogue> catalogue(const std::string& models, const std::string& own = "",
                                 UnknownModel unknown = UnknownModel::kDearest) {
  const Files files{{"acme.toml", kHead + models}};
  const Files over = own.empty() ? Files{} : Files{{"/etc/prices/acme.toml", kHead + own}};
  return PriceCatalogue::of(files, over, unknown);
}

std::string problem(const std::string& models) {
  const auto loaded = catalogue(models);
  return loaded ? "accepted" : loaded.error().message;
}

std::uint64_t input_of(const PriceCatalogue& prices, std::string_view name) {
  const auto found = prices.find("acme", name);
  return found ? (*found)->rates.input : 0;
}

TEST(PriceCatalogueTest, TakesTheLongestMatch) {
  const auto prices =
      catalogue(model("big*", "1", "1") + model("big-2*", "2", "2") + model("big-2", "3", "3"));
  ASSERT_TRUE(prices);
  EXPECT_EQ(input_of(*prices, "big"), 1'000'000U);
  EXPECT_EQ(input_of(*prices, "big-1"), 1'000'000U);
  EXPECT_EQ(input_of(*prices, "big-2-mini"), 2'000'000U);
  EXPECT_EQ(input_of(*prices, "big-2"), 3'000'000U);
  EXPECT_EQ(input_of(*prices, "BIG-2"), 3'000'000U);
  EXPECT_EQ(input_of(*prices, "models/big-2"), 3'000'000U);
}

TEST(PriceCatalogueTest, AnUnknownModelCostsTheDearestOfItsProvider) {
  const auto prices = catalogue(
      model("a", "1", "9") +
      model("b", "5", "2", "long_context = { above = 10, input = \"6\", output = \"30\" }"));
  ASSERT_TRUE(prices);
  const auto found = prices->find("acme", "whatever");
  ASSERT_TRUE(found);
  EXPECT_FALSE((*found)->known);
  EXPECT_EQ((*found)->rates.input, 6'000'000U);
  EXPECT_EQ((*found)->rates.output, 30'000'000U);
}

TEST(PriceCatalogueTest, AnUnknownModelIsRefusedWhereSoConfigured) {
  const auto prices = catalogue(model("a", "1", "1"), "", UnknownModel::kRefuse);
  ASSERT_TRUE(prices);
  EXPECT_TRUE(prices->find("acme", "a"));
  const auto found = prices->find("acme", "b");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, "model_without_price");
}

TEST(PriceCatalogueTest, AProviderWithoutPricesHasNoCalls) {
  EXPECT_FALSE(PriceCatalogue().find("acme", "a"));
  EXPECT_FALSE(catalogue(model("a", "1", "1"))->find("other", "a"));
}

TEST(PriceCatalogueTest, TheOperatorsOwnPricesGoFirst) {
  const auto prices =
      catalogue(model("a*", "1", "1"), model("a*", "4", "4") + model("c", "7", "7"));
  ASSERT_TRUE(prices) << prices.error().message;
  EXPECT_EQ(input_of(*prices, "a-1"), 4'000'000U);
  EXPECT_EQ(input_of(*prices, "c"), 7'000'000U);
}

TEST(PriceCatalogueTest, LongerContextsCostMore) {
  const auto prices = catalogue(
      model("a", "1", "1", "long_context = { above = 200, input = \"2\", output = \"2\" }"));
  ASSERT_TRUE(prices);
  const auto* found = prices->find("acme", "a").value();
  EXPECT_EQ(found->rates_for(200).input, 1'000'000U);
  EXPECT_EQ(found->rates_for(201).input, 2'000'000U);
}

TEST(PriceCatalogueTest, RefusesWrongPricesWithFileAndLine) {
  for (const auto* price : {"-1", "NaN", "1e9", "inf", "", "0.0000001", "2001"}) {
    EXPECT_THAT(problem(model("a", price, "1")), HasSubstr("acme.toml:6: models[0].input: "))
        << price;
  }
  EXPECT_THAT(problem("[[models]]\nmatch = [\"a\"]\ninput = 1.5\noutput = \"1\"\ncontext = 1\n"
                      "max_output = 1\n"),
              HasSubstr("acme.toml:6"));
  EXPECT_THAT(problem("[[models]]\nmatch = [\"a\"]\ninput = \"1\"\ncontext = 1\nmax_output = 1\n"),
              HasSubstr("output"));
  EXPECT_THAT(problem(model("a", "1", "1", "inptu = \"2\"")), HasSubstr("inptu"));
  EXPECT_THAT(problem(model("a", "1", "1", "cached_input = \"2\"")), HasSubstr("cached_input"));
  EXPECT_THAT(problem(model("a", "1", "1", "cache_write = \"0.5\"")), HasSubstr("cache_write"));
  EXPECT_THAT(problem(model("a*b", "1", "1")), HasSubstr("match"));
  EXPECT_THAT(problem(model("A", "1", "1")), HasSubstr("match"));
  EXPECT_THAT(problem(""), HasSubstr("models"));
  EXPECT_THAT(
      problem(model("a", "3", "3", "long_context = { above = 9, input = \"2\", output = \"3\" }")),
      HasSubstr("long_context"));
}

TEST(PriceCatalogueTest, RefusesAPatternThatIsThereTwice) {
  EXPECT_THAT(problem(model("a*", "1", "1") + model("a*", "2", "2")),
              HasSubstr("'a*' has a price at acme.toml:4 too"));
}

TEST(PriceCatalogueTest, ABadCatalogueReplacesNoGoodOne) {
  auto good = catalogue(model("a", "1", "1"));
  ASSERT_TRUE(good);
  const auto kept = *good;
  EXPECT_FALSE(catalogue(model("a", "1", "1"), model("a", "-2", "1")));
  EXPECT_EQ(input_of(kept, "a"), 1'000'000U);
}

TEST(PriceCatalogueTest, TheProjectsPricesLoadAndCoverEveryServiceWithModels) {
  const std::filesystem::path catalog = DEPLOYCLAW_SOURCE_DIR "/catalog";
  const auto prices = PriceCatalogue::load(catalog, {}, UnknownModel::kDearest);
  ASSERT_TRUE(prices) << prices.error().message;
  const auto services = services::Catalogue::load(catalog);
  ASSERT_TRUE(services) << services.error().message;
  for (const auto& service : services->services()) {
    for (const auto& rule : service.rules) {
      if (rule.action_type != "model_call") continue;
      EXPECT_TRUE(prices->knows_provider(service.name)) << service.name;
    }
  }
}

}  // namespace
}  // namespace deployclaw::models
