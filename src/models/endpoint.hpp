#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::models {

// How a provider is spoken to: where the model, its limit and what it used are told.
enum class Dialect : std::uint8_t {
  kChat,         // OpenAI's chat completions, and those of everybody else
  kCompletions,  // the same with "prompt"
  kResponses,    // OpenAI's responses
  kEmbeddings,   // input only
  kMessages,     // Anthropic's messages
  kGemini,       // generateContent, streamGenerateContent
  kGeminiEmbed,  // embedContent, batchEmbedContents
};

// What the path of a model call says.
struct Endpoint {
  bool free = false;  // counts or checks only, costs nothing
  Dialect dialect = Dialect::kChat;
  std::string model = {};  // Gemini names it in the path
  bool streams = false;    // the path says so; elsewhere the body does
};

// Of a request to `service` that a rule of its catalogue calls a "model_call"; `path` is canonical.
// kForbidden, safe to show, with the reason "model_without_price" for calls whose price cannot be
// known before (speech, pictures, scanned pages). Pure.
Result<Endpoint> endpoint_of(std::string_view service, std::string_view path);

}  // namespace deployclaw::models
