#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/price_catalogue.hpp"
#include "models/request.hpp"

namespace deployclaw::models {

// A request's body larger than this is refused.
inline constexpr std::size_t kMostModelBody = 16UL * 1024 * 1024;
// Output below which an answer makes no sense, unless the agent asked for less.
inline constexpr std::uint64_t kLeastOutput = 256;

// One call of a model before it is made: what it may cost, and a body that cannot cost more than
// what is granted. A value; it keeps the price catalogue alive.
class ModelCall {
 public:
  // Reads `body`, JSON of at most kMostModelBody bytes, of a request to `path` (canonical) of
  // `service`. nullopt: the call is free and passes unchanged. `body` is rewritten: the limit of
  // the output is in it for certain, and so is the wish for usage where the service has to be
  // asked; nothing else changes. Errors are safe to show: kMalformed, kInvalid, kForbidden with the
  // reasons "invalid_model_call", "model_call_refused", "model_refused", "model_without_price".
  static Result<std::optional<ModelCall>> open(const PriceCatalogue& prices,
                                               std::string_view service, std::string_view path,
                                               std::string& body);

  // What the call costs at least when it makes sense, and at most as it was asked.
  [[nodiscard]] MicroDollars least() const { return least_; }
  [[nodiscard]] MicroDollars wanted() const { return wanted_; }

  // Writes into `body`, as open() left it, that the answer may have as many tokens as `grant` pays
  // for. Its size stays. `grant` is between least() and wanted().
  void limit(std::string& body, MicroDollars grant) const;
  // The tokens of one answer that `grant` pays for.
  [[nodiscard]] std::uint64_t output_for(MicroDollars grant) const;

  // What all of the output that `grant` pays for costs after an input that is known by now.
  [[nodiscard]] MicroDollars at_most(const Tokens& input, MicroDollars grant) const;
  [[nodiscard]] MicroDollars price(const Tokens& tokens) const;

  [[nodiscard]] const ModelRequest& request() const { return request_; }
  [[nodiscard]] Dialect dialect() const { return dialect_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  // The agent did not ask for the usage that comes at the end of the stream.
  [[nodiscard]] bool hides_usage() const { return hides_usage_; }

 private:
  explicit ModelCall(PriceCatalogue prices) : prices_(std::move(prices)) {}

  Status quote();
  void write_limit(std::string_view service, std::string& body);
  void ask_for_usage(std::string_view service, std::string& body);
  void bound_price(std::string_view service, std::string& body);
  [[nodiscard]] Tokens worst(std::uint64_t output) const;
  [[nodiscard]] bool writes() const {
    return dialect_ != Dialect::kEmbeddings && dialect_ != Dialect::kGeminiEmbed;
  }

  // The digits of a limit in the body.
  struct Slot {
    std::size_t offset = 0;
    std::size_t width = 0;
  };

  PriceCatalogue prices_;
  const Model* model_ = nullptr;
  ModelRequest request_;
  Dialect dialect_ = Dialect::kChat;
  Tokens input_;                   // its worst case
  std::uint64_t most_output_ = 0;  // of one answer
  MicroDollars least_ = 0;
  MicroDollars wanted_ = 0;
  std::vector<Slot> slots_;
  bool hides_usage_ = false;
};

}  // namespace deployclaw::models
