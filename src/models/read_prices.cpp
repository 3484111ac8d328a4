// From one TOML file to the checked prices of one provider. A wrong price is a hole in every spend
// cap, so nothing is guessed: what is not written as an exact decimal is refused.
#include <fmt/format.h>

#include <algorithm>

#include "base/toml_reader.hpp"
#include "models/price_catalogue.hpp"

namespace deployclaw::models {
namespace {

constexpr std::int64_t kMostWindow = 100'000'000;

std::optional<std::uint64_t> read_price(TomlReader& reader, std::string_view key) {
  const auto text = reader.text(key);
  const auto price = parse_price(text);
  if (!price) {
    reader.problem(key,
                   "must be dollars for a million tokens as a text, like \"1.25\": at most six "
                   "decimals, from 0 to 2000");
  }
  return price;
}

std::uint64_t read_price_or(TomlReader& reader, std::string_view key, std::uint64_t fallback) {
  if (!reader.has(key)) return fallback;
  return read_price(reader, key).value_or(fallback);
}

Rates read_rates(TomlReader& reader) {
  Rates rates;
  rates.input = read_price(reader, "input").value_or(0);
  rates.output = read_price(reader, "output").value_or(0);
  rates.cached_input = read_price_or(reader, "cached_input", rates.input);
  rates.cache_write = read_price_or(reader, "cache_write", rates.input);
  rates.cache_write_hour = read_price_or(reader, "cache_write_hour", rates.cache_write);
  if (rates.cached_input > rates.input) reader.problem("cached_input", "is dearer than input");
  if (rates.cache_write < rates.input) reader.problem("cache_write", "is cheaper than input");
  if (rates.cache_write_hour < rates.cache_write) {
    reader.problem("cache_write_hour", "is cheaper than cache_write");
  }
  return rates;
}

std::uint64_t read_count(TomlReader& reader, std::string_view key) {
  return static_cast<std::uint64_t>(reader.whole(key, 1, kMostWindow));
}

void read_long_context(TomlReader& top, Model& model) {
  auto reader = top.table("long_context", false);
  if (!reader) return;
  Model::LongContext more;
  more.above = read_count(*reader, "above");
  more.rates = read_rates(*reader);
  if (more.rates.input < model.rates.input || more.rates.output < model.rates.output) {
    reader->problem("input", "is cheaper than the price of a shorter context");
  }
  reader->finish();
  model.long_context = more;
}

bool is_pattern(std::string_view text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._/:@+").contains(c);
  });
}

void read_model(TomlReader reader, std::vector<Model>& models) {
  Model model;
  model.where = reader.where();
  const auto patterns = reader.texts("match");
  for (const auto& pattern : patterns) {
    if (!is_pattern(pattern)) {
      reader.problem("match", fmt::format("'{}' must be a model's name in lower case, or the "
                                          "beginning of some with one final *",
                                          pattern));
    }
  }
  if (reader.has("refused")) {
    model.refused = reader.text("refused");
  } else {
    model.rates = read_rates(reader);
    read_long_context(reader, model);
    model.context = read_count(reader, "context");
    model.max_output = read_count(reader, "max_output");
    if (reader.has("image_tokens")) model.image_tokens = read_count(reader, "image_tokens");
    if (reader.has("audio_input")) model.audio_input = read_price(reader, "audio_input");
    if (model.audio_input && *model.audio_input < model.rates.input) {
      reader.problem("audio_input", "is cheaper than input");
    }
  }
  reader.finish();
  for (const auto& pattern : patterns) {
    model.pattern = pattern;
    models.push_back(model);
  }
}

}  // namespace

Provider read_prices(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& list) {
  Problems problems{file, list};
  const auto parsed = parse_toml(toml_text, problems);
  if (!parsed) return {};
  TomlReader top(*parsed, "", problems);
  Provider provider;
  provider.name = top.text("name");
  // For people: when the prices were true, and where they are from.
  (void)top.text("as_of");
  (void)top.text("source");
  for (auto& model : top.tables("models")) read_model(std::move(model), provider.models);
  if (provider.models.empty()) top.problem("models", "must name at least one model");
  top.finish();
  return provider;
}

}  // namespace deployclaw::models
