#include "docker/json_values.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace deployclaw::docker {

namespace json = boost::json;

const json::value* find_at(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = &value;
  for (const auto key : path) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(json::string_view(key));
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string string_at(const json::value& value, std::string_view key) {
  return string_at(value, {key});
}

std::string string_at(const json::value& value, std::initializer_list<std::string_view> path) {
  const auto* found = find_at(value, path);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t integer_at(const json::value& value, std::initializer_list<std::string_view> path) {
  const auto* found = find_at(value, path);
  if (found == nullptr || !found->is_number()) return 0;
  boost::system::error_code error;
  const auto number = found->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

bool bool_at(const json::value& value, std::initializer_list<std::string_view> path) {
  const auto* found = find_at(value, path);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::map<std::string, std::string> map_at(const json::value& value,
                                          std::initializer_list<std::string_view> path) {
  std::map<std::string, std::string> map;
  const auto* found = find_at(value, path);
  if (found == nullptr || !found->is_object()) return map;
  for (const auto& [key, text] : found->get_object()) {
    if (text.is_string()) map.emplace(key, text.get_string());
  }
  return map;
}

std::optional<Time> parse_engine_time(std::string_view text) {
  if (text.starts_with("0001-")) return std::nullopt;
  return parse_time(text);
}

std::string format_engine_time(Time time) {
  const auto micros = time.time_since_epoch().count();
  return fmt::format("{}.{:06}000", micros / 1'000'000, micros % 1'000'000);
}

std::string make_filters(
    std::initializer_list<std::pair<std::string_view, std::initializer_list<std::string_view>>>
        filters) {
  json::object object;
  for (const auto& [key, values] : filters) {
    json::array array;
    for (const auto value : values) array.emplace_back(json::string_view(value));
    object[json::string_view(key)] = std::move(array);
  }
  return json::serialize(object);
}

}  // namespace deployclaw::docker
