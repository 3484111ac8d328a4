#include "models/price_catalogue.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

#include "base/toml_reader.hpp"

namespace deployclaw::models {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

Rates dearer(const Rates& a, const Rates& b) {
  return {.input = std::max(a.input, b.input),
          .cached_input = std::max(a.cached_input, b.cached_input),
          .cache_write = std::max(a.cache_write, b.cache_write),
          .cache_write_hour = std::max(a.cache_write_hour, b.cache_write_hour),
          .output = std::max(a.output, b.output)};
}

using Models = std::map<std::string, Model, std::less<>>;  // by pattern

// Stands for any model without a price: nothing the provider sells costs more.
Model dearest_of(const Models& models) {
  Model out;
  out.pattern = "*";
  out.known = false;
  for (const auto& [pattern, model] : models) {
    if (!model.refused.empty()) continue;
    out.rates = dearer(out.rates, model.rates);
    if (model.long_context) out.rates = dearer(out.rates, model.long_context->rates);
    out.rates.input = std::max(out.rates.input, model.audio_input.value_or(0));
    out.context = std::max(out.context, model.context);
    out.max_output = std::max(out.max_output, model.max_output);
    out.image_tokens = std::max(out.image_tokens, model.image_tokens);
  }
  out.audio_input = out.rates.input;
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> read_folder(const fs::path& folder) {
  auto paths = toml_files(folder, "price catalogue");
  if (!paths) return fail(std::move(paths.error()));
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& path : *paths) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) return fail(Code::kUnavailable, "cannot read " + path.string());
    files.emplace_back(path.string(), std::move(text));
  }
  return files;
}

Error refused(std::string reason, std::string detail) {
  return {.code = Code::kForbidden,
          .message = detail,
          .reason = std::move(reason),
          .public_detail = std::move(detail)};
}

}  // namespace

const Rates& Model::rates_for(std::uint64_t input_tokens) const {
  return long_context && input_tokens > long_context->above ? long_context->rates : rates;
}

struct PriceCatalogue::State {
  struct Priced {
    Models models;
    Model dearest;
  };
  std::map<std::string, Priced, std::less<>> providers;
  UnknownModel unknown = UnknownModel::kRefuse;

  void add(Files files, bool over, std::vector<std::string>& problems) {
    for (const auto& [file, text] : files) {
      auto provider = read_prices(text, file, problems);
      if (!provider.name.empty() && fs::path(file).stem() != provider.name) {
        problems.push_back(file + ":1: name: must be the file's name");
      }
      auto& models = providers[provider.name].models;
      Models fresh;
      for (auto& model : provider.models) {
        const auto [twin, added] = fresh.try_emplace(model.pattern, model);
        if (!added) {
          problems.push_back(model.where + ": match: '" + model.pattern + "' has a price at " +
                             twin->second.where + " too");
        }
      }
      for (auto& [pattern, model] : fresh) {
        if (over || !models.contains(pattern)) models.insert_or_assign(pattern, std::move(model));
      }
    }
  }
};

PriceCatalogue::PriceCatalogue() : state_(std::make_shared<State>()) {}

Result<PriceCatalogue> PriceCatalogue::of(Files files, Files own, UnknownModel unknown) {
  auto state = std::make_shared<State>();
  std::vector<std::string> problems;
  state->unknown = unknown;
  state->add(files, false, problems);
  state->add(own, true, problems);
  if (!problems.empty()) {
    return fail(Code::kInvalid, "price catalogue is not valid:\n" + joined_lines(problems));
  }
  for (auto& [name, provider] : state->providers) provider.dearest = dearest_of(provider.models);
  return PriceCatalogue(std::move(state));
}

Result<PriceCatalogue> PriceCatalogue::load(const fs::path& catalog_dir, const fs::path& own_dir,
                                            UnknownModel unknown) {
  auto files = read_folder(catalog_dir / "models");
  if (!files) return fail(std::move(files.error()));
  std::vector<std::pair<std::string, std::string>> own;
  if (!own_dir.empty()) {
    auto more = read_folder(own_dir);
    if (!more) return fail(std::move(more.error()));
    own = std::move(*more);
  }
  return of(*files, own, unknown);
}

bool PriceCatalogue::knows_provider(std::string_view service) const {
  return state_->providers.contains(service);
}

Result<const Model*> PriceCatalogue::find(std::string_view service, std::string_view name) const {
  auto wanted = lower(name);
  if (wanted.starts_with("models/")) wanted.erase(0, 7);
  const auto provider = state_->providers.find(service);
  if (provider == state_->providers.end()) {
    return fail(refused("model_without_price",
                        "The prices of this service's models are not known, so its calls cannot be "
                        "held to the spend limit."));
  }
  const Model* best = nullptr;
  // An exact pattern is as long as the name, a beginning with its '*' at most one longer.
  const auto rank = [&](const Model& model) {
    return model.pattern == wanted ? wanted.size() + 2 : model.pattern.size();
  };
  for (const auto& [pattern, model] : provider->second.models) {
    if (matches(pattern, wanted) && (best == nullptr || rank(model) > rank(*best))) best = &model;
  }
  if (best == nullptr && state_->unknown == UnknownModel::kDearest) {
    best = &provider->second.dearest;
  }
  if (best == nullptr) {
    return fail(refused("model_without_price",
                        "The price of this model is not known, so its calls "
                        "cannot be held to the spend limit."));
  }
  if (!best->refused.empty()) return fail(refused("model_refused", best->refused));
  return best;
}

}  // namespace deployclaw::models
