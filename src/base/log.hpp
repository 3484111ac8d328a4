#pragma once

#include <boost/json/value.hpp>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace deployclaw::log {

enum class Level { kDebug, kInfo, kWarn, kError };

// One key and value of a line: {"agent", id.to_string()}.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(boost::json::string_view(v)) {}
  Field(std::string_view k, const char* v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, const std::string& v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, std::integral auto v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  Field(std::string_view k, boost::json::value v) : key(k), value(std::move(v)) {}

  std::string_view key;
  boost::json::value value;
};
using Fields = std::initializer_list<Field>;

// Sets the process-wide role name that every line carries and the least level written. Lines go to
// stderr, one JSON object each: {"time","level","role","event",…fields}. Call once, before threads.
void init(std::string_view role, Level least = Level::kInfo);

// Writes one event. `event` is a short stable phrase ("agent started"); variable parts are fields.
// Values are JSON-escaped, control characters of every kind among them: hostile text can neither
// forge a line nor command the terminal that shows it. Thread-safe. Never pass a secret.
void write(Level level, std::string_view event, Fields fields = {});

inline void debug(std::string_view event, Fields fields = {}) {
  write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) { write(Level::kInfo, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::kWarn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::kError, event, fields);
}

}  // namespace deployclaw::log
