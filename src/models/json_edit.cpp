#include "models/json_edit.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace deployclaw::models {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Walks over a text that is known to be valid JSON; on any other it stops at its end.
class Walker {
 public:
  explicit Walker(std::string_view json, std::size_t at = 0) : json_(json), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] char peek() {
    while (at_ < json_.size() && kSpace.contains(json_[at_])) ++at_;
    return at_ < json_.size() ? json_[at_] : '\0';
  }
  void advance() {
    if (at_ < json_.size()) ++at_;
  }

  // The string that begins here, with its quotes.
  std::string_view string() {
    const auto begin = at_++;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2U : 1U;
    at_ = std::min(at_ + 1, json_.size());
    return json_.substr(begin, at_ - begin);
  }

  void skip_value() {
    std::size_t depth = 0;
    do {
      const char c = peek();
      if (c == '\0') return;
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return;
        --depth;
        ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        at_ = std::min(json_.find_first_of(",:]} \t\r\n", at_), json_.size());
      }
    } while (depth > 0);
  }

 private:
  std::string_view json_;
  std::size_t at_;
};

bool is_key(std::string_view quoted, std::string_view key) {
  if (!quoted.contains('\\')) return quoted.substr(1, quoted.size() - 2) == key;
  boost::system::error_code error;
  const auto plain = boost::json::parse(quoted, error);
  return !error && plain.is_string() && std::string_view(plain.get_string()) == key;
}

}  // namespace

std::optional<ValueSpan> find_member(std::string_view json,
                                     std::span<const std::string_view> path) {
  Walker walker(json);
  for (const auto key : path) {
    if (walker.peek() != '{') return std::nullopt;
    walker.advance();
    bool found = false;
    while (!found && walker.peek() == '"') {
      found = is_key(walker.string(), key);
      if (walker.peek() == ':') walker.advance();
      if (found) break;
      walker.skip_value();
      if (walker.peek() == ',') walker.advance();
    }
    if (!found) return std::nullopt;
  }
  if (walker.peek() == '\0') return std::nullopt;
  const auto begin = walker.at();
  walker.skip_value();
  return ValueSpan{.begin = begin, .end = walker.at()};
}

ValueSpan insert_member(std::string& json, std::span<const std::string_view> path,
                        std::string_view key, std::string_view value) {
  const auto object = find_member(json, path).value();
  const std::size_t inside = object.begin + 1;
  const bool empty = Walker(json, inside).peek() == '}';
  std::string text;
  text.append("\"").append(key).append("\":");
  const ValueSpan span{.begin = inside + text.size(), .end = inside + text.size() + value.size()};
  text.append(value);
  if (!empty) text.append(",");
  json.insert(inside, text);
  return span;
}

}  // namespace deployclaw::models
