#include "models/model_call.hpp"

#include <algorithm>
#include <array>

#include "http/json_body.hpp"
#include "models/json_edit.hpp"

namespace deployclaw::models {

namespace {

using Path = std::vector<std::string_view>;

// Who leaves usage out of a stream unless asked. Others tell it anyway, or refuse the question.
bool must_be_asked(std::string_view service, Dialect dialect) {
  const bool openai_like = dialect == Dialect::kChat || dialect == Dialect::kCompletions;
  return openai_like && service != "mistral";
}

void replace(std::string& body, const ValueSpan& span, std::string_view text) {
  body.replace(span.begin, span.end - span.begin, text);
}

// The object that a field is in: the first of its spellings that is there.
std::optional<Path> parent_of(const OutputField& field, std::string_view body) {
  if (field.parents.empty()) return Path{};
  for (const auto& parent : field.parents) {
    const Path path{parent};
    const auto span = find_member(body, path);
    if (span && body[span->begin] == '{') return path;
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<ModelCall>> ModelCall::open(const PriceCatalogue& prices,
                                                 std::string_view service, std::string_view path,
                                                 std::string& body) {
  const auto endpoint = endpoint_of(service, path);
  if (!endpoint) return fail(endpoint.error());
  if (endpoint->free) return std::nullopt;
  const auto parsed = http::parse_json(body, {.max_bytes = kMostModelBody, .max_depth = 64});
  if (!parsed) return fail(parsed.error());
  if (!parsed->is_object()) {
    return fail(Code::kInvalid, "invalid_model_call", "The body must be a JSON object.");
  }
  auto request = analyse(service, *endpoint, parsed->get_object(), body.size());
  if (!request) return fail(std::move(request.error()));
  ModelCall call(prices);
  const auto model = call.prices_.find(service, request->model);
  if (!model) return fail(model.error());
  call.model_ = *model;
  call.request_ = std::move(*request);
  call.dialect_ = endpoint->dialect;
  if (auto quoted = call.quote(); !quoted) return fail(std::move(quoted.error()));
  call.bound_price(service, body);
  call.ask_for_usage(service, body);
  call.write_limit(service, body);
  return call;
}

Status ModelCall::quote() {
  const auto& model = *model_;
  if (request_.images > 0 && !model.image_tokens) {
    return fail(Code::kForbidden, "model_without_price",
                "What this model takes for an image is not known, so it cannot be held to the "
                "spend limit.");
  }
  if (request_.audio && !model.audio_input) {
    return fail(Code::kForbidden, "model_without_price",
                "What this model takes for spoken input is not known, so it cannot be held to the "
                "spend limit.");
  }
  const auto images = std::min(request_.images, kMostTokens) * model.image_tokens.value_or(0);
  const auto said = request_.text_bytes + images + kAddedTokens;
  // A longer one than the model can read is refused by its provider.
  const auto read = request_.unbounded ? model.context : std::min(said, model.context);
  auto& bucket = request_.caches_hour ? input_.cache_write_hour
                 : request_.caches    ? input_.cache_write
                                      : input_.input;
  bucket = read;
  if (writes()) {
    const auto usual =
        model.known ? model.max_output : std::min(kUnknownMaxOutput, model.max_output);
    most_output_ = std::min(request_.most_output.value_or(usual), model.max_output);
    if (request_.least_output >= most_output_) request_.least_output = 0;  // refused over there
  }
  const auto least = std::min(most_output_, request_.least_output + kLeastOutput);
  least_ = price(worst(least));
  wanted_ = price(worst(most_output_));
  return {};
}

Tokens ModelCall::worst(std::uint64_t output) const {
  auto tokens = input_;
  tokens.output = std::min(kMostTokens, output * request_.answers);
  return tokens;
}

MicroDollars ModelCall::price(const Tokens& tokens) const {
  auto rates = model_->rates_for(tokens.all_input());
  if (request_.audio) rates.input = std::max(rates.input, model_->audio_input.value_or(0));
  return cost(rates, tokens);
}

std::uint64_t ModelCall::output_for(MicroDollars grant) const {
  std::uint64_t good = 0;
  std::uint64_t bad = most_output_ + 1;
  while (bad - good > 1) {
    const auto middle = good + (bad - good) / 2;
    (price(worst(middle)) <= grant ? good : bad) = middle;
  }
  return good;
}

MicroDollars ModelCall::at_most(const Tokens& input, MicroDollars grant) const {
  auto tokens = input;
  tokens.output = std::min(kMostTokens, output_for(grant) * request_.answers);
  return std::min(grant, price(tokens));
}

// Every limit there is gets the digits of the most that may be asked; limit() makes them smaller.
void ModelCall::write_limit(std::string_view service, std::string& body) {
  const auto field = output_field(service, dialect_);
  if (field.names.empty()) return;
  const auto digits = std::to_string(most_output_);
  auto parent = parent_of(field, body);
  if (!parent) {
    // null, or not there at all.
    const Path at{field.parents.front()};
    if (const auto span = find_member(body, at)) {
      replace(body, *span, "{}");
    } else {
      insert_member(body, {}, field.parents.front(), "{}");
    }
    parent = at;
  }
  std::size_t found = 0;
  for (const auto& name : field.names) {
    auto path = *parent;
    path.push_back(name);
    if (const auto span = find_member(body, path)) {
      replace(body, *span, digits);
      ++found;
    }
  }
  if (found == 0) insert_member(body, *parent, field.added, digits);
  for (const auto& name : field.names) {
    auto path = *parent;
    path.push_back(name);
    const auto span = find_member(body, path);
    if (span) slots_.push_back({.offset = span->begin, .width = span->end - span->begin});
  }
}

void ModelCall::limit(std::string& body, MicroDollars grant) const {
  const auto digits = std::to_string(std::max<std::uint64_t>(1, output_for(grant)));
  for (const auto& slot : slots_) {
    auto text = digits;
    text.resize(slot.width, ' ');
    body.replace(slot.offset, slot.width, text);
  }
}

void ModelCall::ask_for_usage(std::string_view service, std::string& body) {
  if (!request_.streams || request_.wants_usage || !must_be_asked(service, dialect_)) return;
  hides_usage_ = true;
  const Path options{"stream_options"};
  const auto span = find_member(body, options);
  if (!span) {
    insert_member(body, {}, "stream_options", R"({"include_usage":true})");
  } else if (body[span->begin] != '{') {
    replace(body, *span, R"({"include_usage":true})");
  } else if (const auto flag = find_member(body, Path{"stream_options", "include_usage"})) {
    replace(body, *flag, "true");
  } else {
    insert_member(body, options, "include_usage", "true");
  }
}

// OpenRouter hands a call to one of several sellers; none that is dearer may get it.
void ModelCall::bound_price(std::string_view service, std::string& body) {
  if (service != "openrouter") return;
  const auto& rates = model_->long_context ? model_->long_context->rates : model_->rates;
  const auto most = R"({"prompt":)" + price_text(rates.input) + R"(,"completion":)" +
                    price_text(rates.output) + "}";
  const Path provider{"provider"};
  const auto span = find_member(body, provider);
  if (!span) {
    insert_member(body, {}, "provider", R"({"max_price":)" + most + "}");
  } else if (body[span->begin] != '{') {
    replace(body, *span, R"({"max_price":)" + most + "}");
  } else if (const auto there = find_member(body, Path{"provider", "max_price"})) {
    replace(body, *there, most);
  } else {
    insert_member(body, provider, "max_price", most);
  }
}

}  // namespace deployclaw::models
