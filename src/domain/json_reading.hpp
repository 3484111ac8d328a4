#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::domain {

// `base` with one more reference token, escaped (RFC 6901 §3).
std::string pointer_below(std::string_view base, std::string_view token);
std::string pointer_below(std::string_view base, std::size_t index);

// A number of any JSON kind as a double; nullopt for other types and for non-finite values.
std::optional<double> finite_number(const boost::json::value& value);

// A whole number within [min, max]; "3.0" counts. Otherwise nullopt and an error that names the
// bounds.
std::optional<std::int64_t> whole_number(const boost::json::value& value, std::int64_t min,
                                         std::int64_t max, const std::string& pointer,
                                         std::vector<FieldError>& errors);

}  // namespace deployclaw::domain
