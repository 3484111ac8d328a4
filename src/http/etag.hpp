#pragma once

#include <string>
#include <string_view>

namespace deployclaw::http {

// A strong entity tag, quotes included. `version` must be etagc characters (RFC 9110 §8.8.3);
// others are dropped.
std::string make_etag(std::string_view version);

// Does an If-Match value admit `etag`? Strong comparison (§8.8.3.2): weak tags never match; "*"
// always does. A malformed list admits nothing.
bool if_match_admits(std::string_view header, std::string_view etag);

// Does an If-None-Match value name `etag` (then GET answers 304)? Weak comparison.
bool if_none_match_names(std::string_view header, std::string_view etag);

}  // namespace deployclaw::http
