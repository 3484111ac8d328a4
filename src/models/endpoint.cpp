#include "models/endpoint.hpp"

#include <array>
#include <utility>

namespace deployclaw::models {
namespace {

struct Known {
  std::string_view end;  // of the path
  Endpoint endpoint;
};

const auto& known() {
  static const std::array<Known, 11> kKnown{{
      {"/chat/completions", {.dialect = Dialect::kChat}},
      {"/fim/completions", {.dialect = Dialect::kCompletions}},
      {"/v1/completions", {.dialect = Dialect::kCompletions}},
      {"/beta/completions", {.dialect = Dialect::kCompletions}},
      {"/responses", {.dialect = Dialect::kResponses}},
      {"/embeddings", {.dialect = Dialect::kEmbeddings}},
      {"/messages", {.dialect = Dialect::kMessages}},
      {"/moderations", {.dialect = Dialect::kEmbeddings}},
      {"/messages/count_tokens", {.free = true}},
      {"/responses/input_tokens", {.free = true}},
      {"/tokenize-text", {.free = true}},
  }};
  return kKnown;
}

// "/v1beta/models/{model}:{call}".
Result<Endpoint> gemini(std::string_view path, std::size_t models) {
  const auto rest = path.substr(models + std::string_view("/models/").size());
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(Code::kForbidden, "model_without_price", "This is no call of a model.");
  }
  Endpoint endpoint{.dialect = Dialect::kGemini, .model = std::string(rest.substr(0, colon))};
  const auto call = rest.substr(colon + 1);
  if (call == "countTokens") {
    endpoint.free = true;
  } else if (call == "embedContent" || call == "batchEmbedContents") {
    endpoint.dialect = Dialect::kGeminiEmbed;
  } else if (call == "streamGenerateContent") {
    endpoint.streams = true;
  } else if (call != "generateContent") {
    return fail(Code::kForbidden, "model_without_price",
                "The price of this call cannot be known before it is made.");
  }
  return endpoint;
}

}  // namespace

Result<Endpoint> endpoint_of(std::string_view service, std::string_view path) {
  if (service == "openai" && path.ends_with("/moderations")) return Endpoint{.free = true};
  for (const auto& one : known()) {
    if (path.ends_with(one.end)) return one.endpoint;
  }
  const auto models = path.find("/models/");
  if (models != std::string_view::npos) return gemini(path, models);
  return fail(Code::kForbidden, "model_without_price",
              "The price of this call cannot be known before it is made, so it cannot be held to "
              "the spend limit.");
}

}  // namespace deployclaw::models
