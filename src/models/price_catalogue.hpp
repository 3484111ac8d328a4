#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "models/price.hpp"

namespace deployclaw::models {

// What a family of models of one provider costs and can.
struct Model {
  std::string pattern;  // lower case; exact, or a beginning and a final '*'
  std::string where;    // "catalog/models/openai.toml:12"
  Rates rates;
  // Calls with more input tokens than `above` cost this, all of their tokens.
  struct LongContext {
    std::uint64_t above = 0;
    Rates rates;
  };
  std::optional<LongContext> long_context;
  std::optional<std::uint64_t> audio_input;   // instead of rates.input; absent: has no price
  std::uint64_t context = 0;                  // tokens that it reads at most
  std::uint64_t max_output = 0;               // tokens that it writes at most
  std::optional<std::uint64_t> image_tokens;  // of one image at most; absent: no images
  std::string refused;                        // why it is never called; usually empty
  bool known = true;                          // false: the stand-in for a model without a price

  // The rates of a call with so much input.
  [[nodiscard]] const Rates& rates_for(std::uint64_t input_tokens) const;
};

// What becomes of a call to a model that no file names.
enum class UnknownModel : std::uint8_t {
  kDearest,  // it is counted at the dearest known prices of its provider
  kRefuse,
};

// Tokens that an unknown model writes when the agent asks for no number: few of them can do less.
inline constexpr std::uint64_t kUnknownMaxOutput = 4096;

// The prices of all providers: the checked content of <catalog>/models/*.toml and, over it, of the
// operator's own folder. Immutable once loaded, cheap to copy, safe from any thread.
class PriceCatalogue {
 public:
  // Knows no provider, so no call has a price.
  PriceCatalogue();

  // `own_dir` may be empty: there is none. Its files have the same form; a pattern that is in both
  // has the operator's price. kInvalid names each problem as "file:line: field: why", one a line: a
  // price that is missing, negative, no exact decimal or not in the order that it must have, a
  // pattern that is there twice. kNotFound when a folder is absent or empty.
  static Result<PriceCatalogue> load(const std::filesystem::path& catalog_dir,
                                     const std::filesystem::path& own_dir, UnknownModel unknown);

  using Files = std::span<const std::pair<std::string, std::string>>;  // {file name, TOML}
  static Result<PriceCatalogue> of(Files files, Files own, UnknownModel unknown);

  // The price of `name` (any case, "models/" before it is dropped) at `service`, a name of the
  // service catalogue: of the longest pattern that matches. kForbidden, safe to show, with the
  // reason "model_refused" or "model_without_price". The pointer lives as long as any copy of this.
  [[nodiscard]] Result<const Model*> find(std::string_view service, std::string_view name) const;

  [[nodiscard]] bool knows_provider(std::string_view service) const;

 private:
  struct State;
  explicit PriceCatalogue(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// What one file says.
struct Provider {
  std::string name;  // of its service
  std::vector<Model> models;
};

// Reads one provider; problems are appended as "file:line: field: why".
Provider read_prices(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& problems);

}  // namespace deployclaw::models
