#include "models/usage.hpp"

#include <algorithm>
#include <array>

namespace deployclaw::models {
namespace {

using Count = std::optional<std::uint64_t>;

void raise(Count& count, std::uint64_t value) { count = std::max(count.value_or(0), value); }
void raise(std::uint64_t& count, std::uint64_t value) { count = std::max(count, value); }

// Where a usage object stands: at the top, in what an event carries, or where Groq puts it.
std::string_view inside_usage(std::string_view path) {
  constexpr std::array<std::string_view, 5> kPlaces{"usage.", "response.usage.", "message.usage.",
                                                    "x_groq.usage.", "usageMetadata."};
  for (const auto place : kPlaces) {
    if (path.starts_with(place)) return path.substr(place.size());
  }
  return {};
}

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

void note_number(Usage& usage, std::string_view path, std::uint64_t value) {
  const auto name = inside_usage(path);
  if (name.empty()) return;
  value = std::min(value, kMostTokens);
  if (name == "prompt_tokens" || name == "input_tokens" || name == "promptTokenCount") {
    raise(usage.input, value);
  } else if (name == "completion_tokens" || name == "output_tokens" ||
             name == "candidatesTokenCount") {
    raise(usage.output, value);
  } else if (name == "total_tokens" || name == "totalTokenCount") {
    raise(usage.total, value);
  } else if (name == "prompt_tokens_details.cached_tokens" ||
             name == "input_tokens_details.cached_tokens" || name == "cache_read_input_tokens" ||
             name == "prompt_cache_hit_tokens" || name == "cachedContentTokenCount") {
    raise(usage.cached, value);
  } else if (name == "cache_creation_input_tokens" ||
             name == "prompt_tokens_details.cache_write_tokens") {
    raise(usage.cache_write, value);
  } else if (name == "cache_creation.ephemeral_1h_input_tokens") {
    raise(usage.cache_write_hour, value);
  } else if (name == "thoughtsTokenCount") {
    raise(usage.thoughts, value);
  } else if (name == "toolUsePromptTokenCount") {
    raise(usage.tool_input, value);
  }
}

void note_text(Usage& usage, std::string_view path, std::string_view text) {
  constexpr std::array<std::string_view, 6> kEnds{"choices.[].finish_reason",
                                                  "candidates.[].finishReason",
                                                  "promptFeedback.blockReason",
                                                  "delta.stop_reason",
                                                  "stop_reason",
                                                  "incomplete_details.reason"};
  if (std::ranges::find(kEnds, path) != kEnds.end()) usage.ended = true;
  if (path == "type" &&
      (text == "message_stop" || text == "response.completed" || text == "response.incomplete")) {
    usage.ended = true;
  }
  const bool tier = path == "service_tier" || path == "response.service_tier" ||
                    path == "usage.service_tier" || path == "message.usage.service_tier";
  if (tier && (text == "priority" || text == "performance")) usage.other_tier = true;
}

Tokens tokens_of(Dialect dialect, const Usage& usage) {
  const auto input = usage.input.value_or(0);
  const auto hour = std::min(usage.cache_write_hour, std::max(usage.cache_write, usage.cached));
  if (dialect == Dialect::kMessages) {
    return {.input = input,
            .cached_input = usage.cached,
            .cache_write = less(usage.cache_write, usage.cache_write_hour),
            .cache_write_hour = usage.cache_write_hour,
            .output = usage.output.value_or(0)};
  }
  // All others count what comes out of a cache, or goes into one, as input too.
  const auto cached = std::min(usage.cached, input);
  const auto written = std::min(usage.cache_write, input - cached);
  // Reasoning is in the output or, at xAI and Gemini, beside it: the total has it in any case.
  const auto output = std::max(usage.output.value_or(0) + usage.thoughts,
                               less(usage.total.value_or(0), input + usage.tool_input));
  return {.input = input - cached - written + usage.tool_input,
          .cached_input = cached,
          .cache_write = less(written, hour),
          .cache_write_hour = std::min(written, hour),
          .output = output};
}

bool is_complete(Dialect dialect, const Usage& usage, bool streamed) {
  if (usage.other_tier || !usage.input) return false;
  // A server that counts nothing says 0 and 0.
  const auto tokens = tokens_of(dialect, usage);
  if (tokens.all_input() == 0 && tokens.output == 0) return false;
  if (dialect == Dialect::kEmbeddings || dialect == Dialect::kGeminiEmbed) return true;
  if (streamed && !usage.ended) return false;
  return usage.output || usage.total;
}

}  // namespace deployclaw::models
