// Hostile requests of models: never crashes; what is accepted stays valid JSON with the same model,
// keeps its size when it is limited, and holds no more output than is paid for.
#include <array>
#include <cstdlib>
#include <string>

#include "http/json_body.hpp"
#include "models/model_call.hpp"

namespace {

using deployclaw::models::ModelCall;
using deployclaw::models::PriceCatalogue;

constexpr std::array<std::array<std::string_view, 2>, 6> kCalls{{
    {"openai", "/v1/chat/completions"},
    {"openai", "/v1/responses"},
    {"anthropic", "/v1/messages"},
    {"gemini", "/v1beta/models/m:streamGenerateContent"},
    {"openrouter", "/api/v1/chat/completions"},
    {"openai", "/v1/completions"},
}};

PriceCatalogue prices() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto* name : {"openai", "anthropic", "gemini", "openrouter"}) {
    files.emplace_back(name + std::string(".toml"),
                       "name = \"" + std::string(name) +
                           "\"\nas_of = \"x\"\nsource = \"x\"\n[[models]]\nmatch = [\"m*\"]\n"
                           "input = \"1\"\noutput = \"10\"\ncontext = 100000\nmax_output = 4000\n"
                           "image_tokens = 100\n");
  }
  return PriceCatalogue::of(files, {}, deployclaw::models::UnknownModel::kDearest).value();
}

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const PriceCatalogue kPrices = prices();
  if (size == 0) return 0;
  const auto& [service, path] = kCalls[data[0] % kCalls.size()];
  std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto call = ModelCall::open(kPrices, service, path, body);
  if (!call) {
    must(!call.error().public_detail.empty() || !call.error().fields.empty());
    return 0;
  }
  must(call->has_value());
  const auto& open = **call;
  must(open.least() <= open.wanted());
  must(open.output_for(open.least()) >= 1);
  must(deployclaw::http::parse_json(body, {.max_bytes = 1 << 24, .max_depth = 64}).has_value());
  auto limited = body;
  open.limit(limited, open.least());
  must(limited.size() == body.size());
  must(deployclaw::http::parse_json(limited, {.max_bytes = 1 << 24, .max_depth = 64}).has_value());
  return 0;
}
