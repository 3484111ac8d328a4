#include "services/json_locate.hpp"

namespace deployclaw::services {
namespace {

// Walks over a text that is known to be valid JSON; on any other it stops at its end.
class Walker {
 public:
  explicit Walker(std::string_view json) : json_(json) {}

  void skip_space() {
    while (at_ < json_.size() && std::string_view(" \t\r\n,:").contains(json_[at_])) ++at_;
  }
  [[nodiscard]] char peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  void advance() { ++at_; }

  // The string that begins here; stands behind its closing quote afterwards.
  JsonSpan string() {
    JsonSpan span{.begin = ++at_, .end = at_};
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2U : 1U;
    if (at_ > json_.size()) at_ = json_.size();
    span.end = at_++;
    return span;
  }

  // Skips one value, whatever it is.
  void skip_value() {
    std::size_t depth = 0;
    do {
      skip_space();
      const char c = peek();
      if (c == '\0') return;
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else {
        while (at_ < json_.size() && !std::string_view(",:]} \t\r\n").contains(json_[at_])) ++at_;
      }
    } while (depth > 0);
  }

 private:
  std::string_view json_;
  std::size_t at_ = 0;
};

// Compares a key with a reference token, "~1" for '/' and "~0" for '~'.
bool names(std::string_view token, std::string_view key) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < token.size(); ++i, ++at) {
    char c = token[i];
    if (c == '~' && i + 1 < token.size()) c = token[++i] == '1' ? '/' : '~';
    if (at >= key.size() || key[at] != c) return false;
  }
  return at == key.size();
}

bool enter_member(Walker& walker, std::string_view json, std::string_view token) {
  walker.advance();
  for (walker.skip_space(); walker.peek() == '"'; walker.skip_space()) {
    const auto key = walker.string();
    walker.skip_space();
    if (names(token, json.substr(key.begin, key.end - key.begin))) return true;
    walker.skip_value();
  }
  return false;
}

bool enter_element(Walker& walker, std::string_view token) {
  if (token.empty() || token.size() > 7 || (token.size() > 1 && token[0] == '0')) return false;
  std::size_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return false;
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  walker.advance();
  for (walker.skip_space(); walker.peek() != ']' && walker.peek() != '\0'; walker.skip_space()) {
    if (index-- == 0) return true;
    walker.skip_value();
  }
  return false;
}

}  // namespace

std::optional<JsonSpan> locate_json_string(std::string_view json, std::string_view pointer) {
  Walker walker(json);
  walker.skip_space();
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    const bool entered = walker.peek() == '{'   ? enter_member(walker, json, token)
                         : walker.peek() == '[' ? enter_element(walker, token)
                                                : false;
    if (!entered) return std::nullopt;
  }
  if (walker.peek() != '"') return std::nullopt;
  return walker.string();
}

}  // namespace deployclaw::services
