#include "domain/json_reading.hpp"

#include <fmt/format.h>

#include <cmath>

namespace deployclaw::domain {

std::string pointer_below(std::string_view base, std::string_view token) {
  std::string out(base);
  out += '/';
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string pointer_below(std::string_view base, std::size_t index) {
  return fmt::format("{}/{}", base, index);
}

std::optional<double> finite_number(const boost::json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.to_number<double>();
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::int64_t> whole_number(const boost::json::value& value, std::int64_t min,
                                         std::int64_t max, const std::string& pointer,
                                         std::vector<FieldError>& errors) {
  const auto number = finite_number(value);
  if (number && std::trunc(*number) == *number && *number >= static_cast<double>(min) &&
      *number <= static_cast<double>(max)) {
    return static_cast<std::int64_t>(*number);
  }
  errors.push_back({pointer, fmt::format("must be a whole number from {} to {}", min, max)});
  return std::nullopt;
}

}  // namespace deployclaw::domain
