#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace deployclaw::docker {

// Reading the engine's JSON: what is missing or of another type reads as empty. Pure.
const boost::json::value* find_at(const boost::json::value& value,
                                  std::initializer_list<std::string_view> path);
std::string string_at(const boost::json::value& value, std::string_view key);
std::string string_at(const boost::json::value& value,
                      std::initializer_list<std::string_view> path);
std::int64_t integer_at(const boost::json::value& value,
                        std::initializer_list<std::string_view> path);
bool bool_at(const boost::json::value& value, std::initializer_list<std::string_view> path);
std::map<std::string, std::string> map_at(const boost::json::value& value,
                                          std::initializer_list<std::string_view> path);

// RFC 3339; the engine's "never" (year 1) reads as nullopt.
std::optional<Time> parse_engine_time(std::string_view text);

// The engine's `since` parameter: unix seconds with nanoseconds.
std::string format_engine_time(Time time);

// {"label": ["key=value"]} as the engine's `filters` parameter.
std::string make_filters(
    std::initializer_list<std::pair<std::string_view, std::initializer_list<std::string_view>>>
        filters);

}  // namespace deployclaw::docker
