#include "models/request.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "models/refusals.hpp"
#include "models/request_contents.hpp"

namespace deployclaw::models {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::value* find(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool is_true(const json::object& body, std::string_view key) {
  const auto* value = find(body, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// A whole number from 1 on; 0 stays out: some take it for "no limit".
Result<std::optional<std::uint64_t>> count(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  double number = -1;
  if (value->is_int64()) number = static_cast<double>(value->get_int64());
  if (value->is_uint64()) number = static_cast<double>(value->get_uint64());
  if (value->is_double()) number = value->get_double();
  if (!(number >= 1) || number > 1e9 || number != static_cast<double>(std::uint64_t(number))) {
    return fail(Code::kInvalid, "invalid_model_call",
                std::string(key) + " must be a whole number from 1 to 1000000000.");
  }
  return static_cast<std::uint64_t>(number);
}

Status read_output(std::string_view service, const Endpoint& endpoint, const json::object& body,
                   ModelRequest& request) {
  const auto field = output_field(service, endpoint.dialect);
  const json::object* holder = &body;
  for (const auto& parent : field.parents) {
    if (const auto* value = find(body, parent)) {
      if (!value->is_object()) {
        return fail(Code::kInvalid, "invalid_model_call", parent + " must be an object.");
      }
      holder = &value->get_object();
    }
  }
  if (!field.parents.empty() && holder == &body) return {};
  for (const auto& name : field.names) {
    const auto value = count(*holder, name);
    if (!value) return fail(value.error());
    if (*value) request.most_output = std::max(request.most_output.value_or(0), **value);
  }
  return {};
}

// How many answers one call asks for: each may be as long as the limit.
Status read_answers(const Endpoint& endpoint, const json::object& body, ModelRequest& request) {
  const auto multiply = [&](const json::object& in, std::string_view key,
                            std::uint64_t& into) -> Status {
    const auto value = count(in, key);
    if (!value) return fail(value.error());
    if (*value) into = std::max(into, **value);
    return {};
  };
  std::uint64_t answers = 1;
  for (const auto* key : {"n", "best_of"}) {
    if (auto good = multiply(body, key, answers); !good) return good;
  }
  if (endpoint.dialect == Dialect::kGemini) {
    for (const auto* parent : {"generationConfig", "generation_config"}) {
      const auto* config = find(body, parent);
      if (config == nullptr || !config->is_object()) continue;
      for (const auto* key : {"candidateCount", "candidate_count"}) {
        if (auto good = multiply(config->get_object(), key, answers); !good) return good;
      }
    }
  }
  std::uint64_t prompts = 1;
  const auto* prompt = find(body, "prompt");
  if (endpoint.dialect == Dialect::kCompletions && prompt != nullptr && prompt->is_array()) {
    const auto& list = prompt->get_array();
    const bool tokens = std::ranges::all_of(list, [](const auto& one) { return one.is_number(); });
    if (!tokens) prompts = std::max<std::size_t>(1, list.size());
  }
  constexpr std::uint64_t kMostAnswers = 1024;
  if (answers > kMostAnswers || prompts > kMostAnswers || answers * prompts > kMostAnswers) {
    return fail(Code::kInvalid, "invalid_model_call", "A call may ask for 1024 answers at most.");
  }
  request.answers = answers * prompts;
  return {};
}

// Below its own budget for thinking, Anthropic refuses the call.
void read_thinking(const json::object& body, ModelRequest& request) {
  const auto* thinking = find(body, "thinking");
  if (thinking == nullptr || !thinking->is_object()) return;
  const auto budget = count(thinking->get_object(), "budget_tokens");
  if (budget && *budget) request.least_output = **budget + 1;
}

Status read_model(const Endpoint& endpoint, const json::object& body, ModelRequest& request) {
  request.model = endpoint.model;
  if (request.model.empty()) {
    const auto* model = find(body, "model");
    if (model != nullptr && model->is_string()) request.model = view(model->get_string());
  }
  const bool plain = std::ranges::all_of(request.model, [](char c) { return c > ' ' && c < 127; });
  if (request.model.empty() || request.model.size() > 256 || !plain) {
    return fail(Code::kInvalid, "invalid_model_call",
                "The request must name its model, in visible ASCII characters.");
  }
  return {};
}

// Two fields that one provider reads as one, or one that we would not read and it would.
Status check_spelling(Dialect dialect, const json::object& body) {
  static const std::set<std::string, std::less<>> kKnown = [] {
    std::set<std::string, std::less<>> out;
    for (const auto* name : {"model",
                             "models",
                             "max_tokens",
                             "max_completion_tokens",
                             "max_output_tokens",
                             "max_tokens_to_sample",
                             "n",
                             "best_of",
                             "stream",
                             "stream_options",
                             "service_tier",
                             "background",
                             "tools",
                             "messages",
                             "input",
                             "prompt",
                             "plugins",
                             "provider",
                             "preset",
                             "deferred",
                             "speed",
                             "inference_geo",
                             "container",
                             "mcp_servers",
                             "web_search_options",
                             "search_parameters",
                             "modalities",
                             "audio",
                             "prediction",
                             "thinking",
                             "conversation",
                             "previous_response_id"}) {
      out.insert(name);
    }
    return out;
  }();
  const bool gemini = dialect == Dialect::kGemini || dialect == Dialect::kGeminiEmbed;
  std::set<std::string> seen;
  for (const auto& member : body) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::any_of(key, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
      return fail(Code::kInvalid, "invalid_model_call", "Field names must be ASCII.");
    }
    const auto form = folded(key);
    const bool twin = !seen.insert(form).second;
    const bool odd = !gemini && !kKnown.contains(key) &&
                     std::ranges::any_of(kKnown, [&](const auto& n) { return folded(n) == form; });
    if (twin || odd) {
      return fail(Code::kInvalid, "invalid_model_call",
                  "The field " + std::string(key) + " is spelt in a way that could be read twice.");
    }
  }
  return {};
}

}  // namespace

std::string folded(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '_') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

OutputField output_field(std::string_view service, Dialect dialect) {
  switch (dialect) {
    case Dialect::kChat: {
      const bool old = service == "mistral" || service == "deepseek" || service == "openrouter";
      return {.names = {"max_tokens", "max_completion_tokens"},
              .added = old ? "max_tokens" : "max_completion_tokens"};
    }
    case Dialect::kCompletions:
      return {.names = {"max_tokens"}, .added = "max_tokens"};
    case Dialect::kResponses:
      return {.names = {"max_output_tokens"}, .added = "max_output_tokens"};
    case Dialect::kMessages:
      return {.names = {"max_tokens"}, .added = "max_tokens"};
    case Dialect::kGemini:
      return {.names = {"maxOutputTokens", "max_output_tokens"},
              .added = "maxOutputTokens",
              .parents = {"generationConfig", "generation_config"}};
    case Dialect::kEmbeddings:
    case Dialect::kGeminiEmbed:
      break;
  }
  return {};
}

Result<ModelRequest> analyse(std::string_view service, const Endpoint& endpoint,
                             const json::object& body, std::size_t bytes) {
  ModelRequest request;
  request.streams = endpoint.streams || is_true(body, "stream");
  if (const auto* options = find(body, "stream_options"); options && options->is_object()) {
    request.wants_usage = is_true(options->get_object(), "include_usage");
  }
  for (auto check :
       {check_spelling(endpoint.dialect, body), read_model(endpoint, body, request),
        refuse_unbounded(service, endpoint.dialect, body), read_answers(endpoint, body, request),
        read_output(service, endpoint, body, request)}) {
    if (!check) return fail(std::move(check.error()));
  }
  read_thinking(body, request);
  auto read = read_contents(body, bytes, request);
  if (!read) return fail(std::move(read.error()));
  return request;
}

}  // namespace deployclaw::models
