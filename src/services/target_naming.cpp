#include "services/target_naming.hpp"

#include <algorithm>
#include <optional>

#include "http/json_body.hpp"
#include "http/url.hpp"
#include "services/body_values.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

constexpr std::string_view kUnknown = "unknown";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the well-formed UTF-8 sequence at the front, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates and what is beyond Unicode.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) ||
      (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

char32_t decoded(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0);
  char32_t value = byte(0) & (0x7FU >> sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) value = (value << 6U) | (byte(i) & 0x3FU);
  return value;
}

// Characters that would forge lines, reorder text on a page or not be seen at all.
bool is_treacherous(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE0FFF);
}

// Appends what is safe to show, up to the limit. False once it is full.
bool append_clean(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    const auto piece = text.substr(0, std::max<std::size_t>(length, 1));
    const bool good = length > 0 && !is_treacherous(decoded(piece));
    const auto shown = good ? piece : kReplacement;
    if (out.size() + shown.size() > kLongestTargetText) return false;
    out += shown;
    text.remove_prefix(piece.size());
  }
  return true;
}

class Namer {
 public:
  explicit Namer(const TargetFacts& facts) : facts_(facts) {}

  // The value of the first source that has one.
  std::string value_of(std::string_view sources) {
    while (true) {
      const auto bar = sources.find('|');
      auto value = of_source(sources.substr(0, bar));
      if (value && !value->empty()) return std::move(*value);
      if (bar == std::string_view::npos) return std::string(kUnknown);
      sources.remove_prefix(bar + 1);
    }
  }

 private:
  std::optional<std::string> of_source(std::string_view source) {
    const auto colon = source.find(':');
    const auto kind = source.substr(0, colon);
    if (colon == std::string_view::npos) return plain(source);
    const auto name = source.substr(colon + 1);
    if (kind == "query") return of_query(name);
    if (facts_.body == nullptr) return std::nullopt;
    if (kind == "body") return of_json(name);
    if (kind == "form") return form_value(facts_.body->content_type, facts_.body->bytes, name);
    if (kind == "mime") return of_message(name);
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> plain(std::string_view name) const {
    if (name == "host") return std::string(facts_.host);
    if (name == "path") return std::string(facts_.path);
    if (name == "last") return std::string(facts_.path.substr(facts_.path.rfind('/') + 1));
    if (facts_.captures == nullptr) return std::nullopt;
    return std::string(facts_.captures->get(name));
  }

  [[nodiscard]] std::optional<std::string> of_query(std::string_view key) const {
    for (auto& [name, value] : http::parse_query(facts_.query)) {
      if (name == key) return std::move(value);
    }
    return std::nullopt;
  }

  const json::value* parsed() {
    if (facts_.body->json != nullptr) return facts_.body->json;
    if (!tried_) {
      tried_ = true;
      auto value = http::parse_json(facts_.body->bytes);
      if (value) json_ = std::move(*value);
    }
    return json_ ? &*json_ : nullptr;
  }

  std::optional<std::string> of_json(std::string_view pointer) {
    const auto* body = parsed();
    if (body == nullptr) return std::nullopt;
    std::string joined;
    for (const auto& value : json_values(*body, pointer)) {
      if (!joined.empty()) joined += ", ";
      joined += value;
      if (joined.size() > kLongestTargetText) break;
    }
    return joined;
  }

  // "<pointer>:<field>,<field>…"
  std::optional<std::string> of_message(std::string_view name) {
    const auto colon = name.rfind(':');
    std::string message(facts_.body->bytes);
    if (const auto pointer = name.substr(0, colon); !pointer.empty()) {
      const auto* body = parsed();
      const auto values =
          body == nullptr ? std::vector<std::string>() : json_values(*body, pointer);
      if (values.empty()) return std::nullopt;
      message = lenient_base64(values.front());
    }
    std::string joined;
    for (auto fields = name.substr(colon + 1); !fields.empty();) {
      const auto comma = std::min(fields.find(','), fields.size());
      const auto value = mime_field(message, fields.substr(0, comma));
      if (value && !value->empty()) joined += (joined.empty() ? "" : ", ") + *value;
      fields.remove_prefix(std::min(comma + 1, fields.size()));
    }
    return joined;
  }

  const TargetFacts& facts_;
  std::optional<json::value> json_;
  bool tried_ = false;
};

}  // namespace

std::string name_target(std::string_view text, const TargetFacts& facts) {
  Namer namer(facts);
  std::string out;
  while (!text.empty()) {
    const auto open = std::min(text.find('{'), text.size());
    if (!append_clean(out, text.substr(0, open))) break;
    text.remove_prefix(open);
    if (text.empty()) break;
    const auto close = std::min(text.find('}'), text.size());
    if (!append_clean(out, namer.value_of(text.substr(1, close - 1)))) break;
    text.remove_prefix(std::min(close + 1, text.size()));
  }
  return out;
}

bool names_body(std::string_view text) {
  return text.contains("{body:") || text.contains("|body:") || text.contains("{form:") ||
         text.contains("|form:") || text.contains("{mime:") || text.contains("|mime:");
}

std::string check_target_source(std::string_view source) {
  const auto colon = source.find(':');
  if (colon == std::string_view::npos) return source.empty() ? "has an empty source" : "name";
  const auto kind = source.substr(0, colon);
  const auto name = source.substr(colon + 1);
  if (name.empty()) return "has an empty source";
  if (kind == "query" || kind == "form") return {};
  if (kind == "body") return name.starts_with('/') ? "" : "body: needs a JSON pointer";
  if (kind != "mime") return "has the unknown source " + std::string(kind);
  const auto field = name.rfind(':');
  if (field == std::string_view::npos || field + 1 == name.size()) {
    return "mime: needs a pointer and a field: {mime:/raw:to}";
  }
  const auto pointer = name.substr(0, field);
  return pointer.empty() || pointer.starts_with('/') ? "" : "mime: needs a JSON pointer";
}

}  // namespace deployclaw::services
