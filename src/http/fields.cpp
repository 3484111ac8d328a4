#include "http/fields.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <type_traits>

#include "base/encoding.hpp"
#include "http/json_body.hpp"

namespace deployclaw::http {
namespace json = boost::json;
namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::size_t count_code_points(std::string_view utf8) {
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(utf8, is_start));
}

// C0, DEL and C1 (which UTF-8 spells C2 80 to C2 9F).
bool has_control(std::string_view utf8) {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xC2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

// What is wrong with `text`, "" when nothing.
std::string check_text(std::string_view text, const StringRule& rule) {
  const std::size_t length = count_code_points(text);
  if (length < rule.min) {
    return rule.min == 1 ? "must not be empty"
                         : "must have at least " + std::to_string(rule.min) + " characters";
  }
  if (length > rule.max) return "must have at most " + std::to_string(rule.max) + " characters";
  if (!rule.allow_control && has_control(text)) return "must not contain control characters";
  return "";
}

std::string format_number(double number) {
  std::string text = json::serialize(json::value(number));
  if (text.ends_with("E0")) text.resize(text.size() - 2);
  return text;
}

template <class Number>
std::string range_text(Number min, Number max, bool min_open, bool max_open) {
  const auto show = [](Number n) {
    if constexpr (std::is_same_v<Number, double>)
      return format_number(n);
    else
      return std::to_string(n);
  };
  if (min_open) return "must be at most " + show(max);
  if (max_open) return "must be at least " + show(min);
  return "must be between " + show(min) + " and " + show(max);
}

std::string one_of(std::initializer_list<std::string_view> allowed) {
  std::string out = "must be one of";
  const char* separator = " ";
  for (const std::string_view word : allowed) {
    out.append(separator).append(word);
    separator = ", ";
  }
  return out;
}

}  // namespace

Fields::Fields(const json::object& object, std::string base_pointer)
    : Fields(object, std::move(base_pointer), std::make_shared<std::vector<FieldError>>()) {}

Fields::Fields(const json::object& object, std::string base_pointer,
               std::shared_ptr<std::vector<FieldError>> errors)
    : object_(&object), base_(std::move(base_pointer)), errors_(std::move(errors)) {}

std::string Fields::pointer(std::string_view name) const { return json_pointer(base_, name); }

void Fields::error(std::string_view name, std::string detail) {
  error_at(name.empty() ? base_ : pointer(name), std::move(detail));
}

void Fields::error_at(std::string at, std::string detail) {
  errors_->push_back(FieldError{std::move(at), std::move(detail)});
}

const json::value* Fields::take(std::string_view name, bool required) {
  known_.emplace_back(name);
  const json::value* value = object_->if_contains(json::string_view(name));
  if (value == nullptr && required) error(name, "is required");
  return value;
}

std::optional<std::string> Fields::read_string(std::string_view name, const StringRule& rule,
                                               bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    error(name, "must be a string");
    return std::nullopt;
  }
  const std::string_view text = view(value->get_string());
  if (auto wrong = check_text(text, rule); !wrong.empty()) {
    error(name, std::move(wrong));
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::int64_t> Fields::read_int(std::string_view name, std::int64_t min,
                                             std::int64_t max, bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return std::nullopt;
  using Limits = std::numeric_limits<std::int64_t>;
  if (value->is_int64() && value->get_int64() >= min && value->get_int64() <= max) {
    return value->get_int64();
  }
  if (value->is_int64() || value->is_uint64()) {
    error(name, range_text(min, max, min == Limits::min(), max == Limits::max()));
  } else {
    error(name, "must be an integer");
  }
  return std::nullopt;
}

std::optional<double> Fields::read_double(std::string_view name, double min, double max,
                                          bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    error(name, "must be a number");
    return std::nullopt;
  }
  const double number = value->to_number<double>();
  using Limits = std::numeric_limits<double>;
  if (!(number >= min && number <= max)) {
    error(name, range_text(min, max, min == Limits::lowest(), max == Limits::max()));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Fields::read_bool(std::string_view name, bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  error(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::string> Fields::read_enum(std::string_view name,
                                             std::initializer_list<std::string_view> allowed,
                                             bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    const std::string_view text = view(value->get_string());
    if (std::ranges::find(allowed, text) != allowed.end()) return std::string(text);
  }
  error(name, one_of(allowed));
  return std::nullopt;
}

const json::object* Fields::read_object(std::string_view name, bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  error(name, "must be an object");
  return nullptr;
}

const json::array* Fields::read_array(std::string_view name, std::size_t max, bool required) {
  const json::value* value = take(name, required);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    error(name, "must be an array");
    return nullptr;
  }
  if (value->get_array().size() > max) {
    error(name, "must have at most " + std::to_string(max) + " entries");
    return nullptr;
  }
  return &value->get_array();
}

std::string Fields::required_string(std::string_view name, StringRule rule) {
  return read_string(name, rule, true).value_or("");
}
std::optional<std::string> Fields::optional_string(std::string_view name, StringRule rule) {
  return read_string(name, rule, false);
}
std::int64_t Fields::required_int(std::string_view name, std::int64_t min, std::int64_t max) {
  return read_int(name, min, max, true).value_or(min);
}
std::optional<std::int64_t> Fields::optional_int(std::string_view name, std::int64_t min,
                                                 std::int64_t max) {
  return read_int(name, min, max, false);
}
double Fields::required_double(std::string_view name, double min, double max) {
  return read_double(name, min, max, true).value_or(min);
}
std::optional<double> Fields::optional_double(std::string_view name, double min, double max) {
  return read_double(name, min, max, false);
}
bool Fields::required_bool(std::string_view name) { return read_bool(name, true).value_or(false); }
std::optional<bool> Fields::optional_bool(std::string_view name) { return read_bool(name, false); }
std::string Fields::required_enum(std::string_view name,
                                  std::initializer_list<std::string_view> allowed) {
  return read_enum(name, allowed, true).value_or("");
}
std::optional<std::string> Fields::optional_enum(std::string_view name,
                                                 std::initializer_list<std::string_view> allowed) {
  return read_enum(name, allowed, false);
}
const json::object* Fields::required_object(std::string_view name) {
  return read_object(name, true);
}
const json::object* Fields::optional_object(std::string_view name) {
  return read_object(name, false);
}
const json::array* Fields::required_array(std::string_view name, std::size_t max) {
  return read_array(name, max, true);
}
const json::array* Fields::optional_array(std::string_view name, std::size_t max) {
  return read_array(name, max, false);
}

std::optional<std::vector<std::string>> Fields::optional_strings(std::string_view name,
                                                                 StringRule rule, std::size_t max) {
  const json::array* entries = read_array(name, max, false);
  if (entries == nullptr) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const json::value& entry = (*entries)[i];
    std::string wrong = "must be a string";
    if (entry.is_string()) wrong = check_text(view(entry.get_string()), rule);
    if (wrong.empty()) {
      out.emplace_back(view(entry.get_string()));
    } else {
      error_at(json_pointer(pointer(name), std::to_string(i)), std::move(wrong));
    }
  }
  return out;
}

const json::value* Fields::optional_value(std::string_view name) { return take(name, false); }

std::optional<Fields> Fields::required_child(std::string_view name) {
  const json::object* object = read_object(name, true);
  if (object == nullptr) return std::nullopt;
  return Fields(*object, pointer(name), errors_);
}
std::optional<Fields> Fields::optional_child(std::string_view name) {
  const json::object* object = read_object(name, false);
  if (object == nullptr) return std::nullopt;
  return Fields(*object, pointer(name), errors_);
}

Status Fields::finish() {
  for (const auto& member : *object_) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::find(known_, key) != known_.end()) continue;
    error(key, "is not a known field");
    known_.emplace_back(key);          // a second finish() reports it no second time
    if (errors_->size() > 100) break;  // hostile input shall not make the answer huge
  }
  if (errors_->empty()) return {};
  return fail(Error{.code = Code::kInvalid,
                    .message = "input breaks " + std::to_string(errors_->size()) +
                               " rule(s), first " + errors_->front().pointer,
                    .reason = "validation_failed",
                    .public_detail = "The input breaks a rule; see errors.",
                    .fields = *errors_});
}

}  // namespace deployclaw::http
