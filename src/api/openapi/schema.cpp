#include "api/openapi/schema.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <regex>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace deployclaw::api::openapi {
namespace {

namespace json = boost::json;

bool has_type(const json::value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return type == "number" && value.is_number();
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

class Checker {
 public:
  Checker(const json::value& document, std::vector<std::string>& mistakes)
      : document_(document), mistakes_(mistakes) {}

  void check(const json::value& schema, const json::value& value, const std::string& at) {
    const auto& rules = schema.as_object();
    if (const auto* ref = rules.if_contains("$ref")) {
      const std::string_view target = ref->as_string();
      check(document_.at_pointer(target.substr(1)), value, at);
      return;
    }
    for (const auto& rule : rules) check_rule(rules, rule.key(), rule.value(), value, at);
  }

 private:
  void mistake(const std::string& at, std::string_view what) {
    mistakes_.push_back((at.empty() ? "/" : at) + ": " + std::string(what));
  }

  void check_rule(const json::object& rules, std::string_view key, const json::value& rule,
                  const json::value& value, const std::string& at) {
    constexpr std::array<std::string_view, 4> kNotes = {"description", "default", "writeOnly",
                                                        "properties"};
    if (key == "type") {
      check_type(rule, value, at);
    } else if (key == "enum") {
      if (std::ranges::find(rule.as_array(), value) == rule.as_array().end()) {
        mistake(at, json::serialize(value) + " is not one of " + json::serialize(rule));
      }
    } else if (key == "oneOf") {
      check_one_of(rule.as_array(), value, at);
    } else if (key == "required" || key == "additionalProperties" || key == "propertyNames" ||
               key == "minProperties") {
      if (value.is_object()) check_object(rules, key, rule, value.as_object(), at);
    } else if (key == "items" || key == "prefixItems" || key == "minItems" || key == "maxItems" ||
               key == "uniqueItems") {
      if (value.is_array()) check_array(rules, key, rule, value.as_array(), at);
    } else if (key == "minLength" || key == "maxLength" || key == "pattern" || key == "format") {
      if (value.is_string()) check_string(key, rule, value.as_string(), at);
    } else if (key == "minimum" || key == "maximum") {
      if (value.is_number()) check_number(key, rule, value.to_number<double>(), at);
    } else if (std::ranges::find(kNotes, key) == kNotes.end()) {
      mistake(at, "the schema uses a keyword that is not checked: " + std::string(key));
    }
    if (key == "properties" && value.is_object()) {
      for (const auto& property : rule.as_object()) {
        if (const auto* member = value.as_object().if_contains(property.key())) {
          check(property.value(), *member, at + "/" + std::string(property.key()));
        }
      }
    }
  }

  void check_type(const json::value& rule, const json::value& value, const std::string& at) {
    const bool fits = rule.is_string()
                          ? has_type(value, rule.as_string())
                          : std::ranges::any_of(rule.as_array(), [&value](const json::value& type) {
                              return has_type(value, type.as_string());
                            });
    if (!fits)
      mistake(at, json::serialize(value).substr(0, 80) + " is no " + json::serialize(rule));
  }

  void check_one_of(const json::array& choices, const json::value& value, const std::string& at) {
    int fitting = 0;
    std::vector<std::string> collected;
    for (const auto& choice : choices) {
      std::vector<std::string> mistakes;
      Checker(document_, mistakes).check(choice, value, at);
      if (mistakes.empty()) ++fitting;
      collected.insert(collected.end(), mistakes.begin(), mistakes.end());
    }
    if (fitting == 1) return;
    mistake(at, "fits " + std::to_string(fitting) + " of its alternatives");
    mistakes_.insert(mistakes_.end(), collected.begin(), collected.end());
  }

  void check_object(const json::object& rules, std::string_view key, const json::value& rule,
                    const json::object& value, const std::string& at) {
    if (key == "required") {
      for (const auto& name : rule.as_array()) {
        if (!value.contains(name.as_string())) {
          mistake(at, "lacks " + std::string(name.as_string()));
        }
      }
    } else if (key == "minProperties") {
      if (value.size() < rule.to_number<std::size_t>()) mistake(at, "has too few members");
    } else {
      const auto* known = rules.if_contains("properties");
      for (const auto& member : value) {
        const auto below = at + "/" + std::string(member.key());
        if (key == "propertyNames") {
          check(rule, json::value(member.key()), below);
        } else if (known == nullptr || !known->as_object().contains(member.key())) {
          if (rule.is_object()) check(rule, member.value(), below);
          if (rule.is_bool() && !rule.as_bool()) mistake(below, "is not in the schema");
        }
      }
    }
  }

  void check_array(const json::object& rules, std::string_view key, const json::value& rule,
                   const json::array& value, const std::string& at) {
    const auto* prefix = rules.if_contains("prefixItems");
    const std::size_t named = prefix != nullptr ? prefix->as_array().size() : 0;
    if (key == "prefixItems") {
      for (std::size_t i = 0; i < std::min(named, value.size()); ++i) {
        check(rule.as_array()[i], value[i], at + "/" + std::to_string(i));
      }
    } else if (key == "items" && rule.is_bool()) {
      if (!rule.as_bool() && value.size() > named) mistake(at, "has too many items");
    } else if (key == "items") {
      for (std::size_t i = named; i < value.size(); ++i) {
        check(rule, value[i], at + "/" + std::to_string(i));
      }
    } else if (key == "uniqueItems") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (std::find(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(i), value[i]) !=
            value.begin() + static_cast<std::ptrdiff_t>(i)) {
          mistake(at, "has an item twice");
        }
      }
    } else {
      const auto bound = rule.to_number<std::size_t>();
      if (key == "minItems" ? value.size() < bound : value.size() > bound) {
        mistake(at, "has a wrong number of items");
      }
    }
  }

  void check_string(std::string_view key, const json::value& rule, std::string_view value,
                    const std::string& at) {
    if (key == "pattern") {
      if (!std::regex_search(std::string(value), std::regex(std::string(rule.as_string())))) {
        mistake(at, "does not match the pattern");
      }
    } else if (key == "format") {
      const std::string_view format = rule.as_string();
      const bool good = format == "uuid"        ? AgentId::parse(value).has_value()
                        : format == "date-time" ? parse_time(value).has_value()
                                                : false;
      if (!good) mistake(at, "\"" + std::string(value) + "\" is no " + std::string(format));
    } else {
      const auto bound = rule.to_number<std::size_t>();
      const auto length = code_points(value);
      if (key == "minLength" ? length < bound : length > bound) mistake(at, "has a wrong length");
    }
  }

  void check_number(std::string_view key, const json::value& rule, double value,
                    const std::string& at) {
    const auto bound = rule.to_number<double>();
    if (key == "minimum" ? value < bound : value > bound) mistake(at, "is out of bounds");
  }

  const json::value& document_;
  std::vector<std::string>& mistakes_;
};

}  // namespace

std::vector<std::string> schema_mistakes(const json::value& document, const json::value& schema,
                                         const json::value& value) {
  std::vector<std::string> mistakes;
  Checker(document, mistakes).check(schema, value, "");
  return mistakes;
}

}  // namespace deployclaw::api::openapi
