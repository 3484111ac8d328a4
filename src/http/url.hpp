#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::http {

// Decodes %XX (RFC 3986 §2.1), and '+' as space when asked (form encoding). nullopt for a bad
// escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Encodes everything but unreserved characters (RFC 3986 §2.3): safe in a path segment and a query.
std::string percent_encode(std::string_view text);

// The decoded form of a request path, or kMalformed when two readers could disagree about it: no
// leading '/', dot segments in any spelling, empty inner segments ("//"), encoded '/', '\' or '%',
// raw '\', control characters, NUL, bad escapes, invalid UTF-8, '#' or '?'.
Result<std::string> canonical_path(std::string_view raw);

// "a=1&b=2" decoded, in order; pairs with bad escapes are left out.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace deployclaw::http
