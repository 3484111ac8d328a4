#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::api::web {

using Values = std::map<std::string, std::string, std::less<>>;

// `text` with every {{key}} replaced by its value, HTML-escaped (fit for text and quoted
// attributes). {{#key}}…{{/key}} stays only when the value is not empty, {{^key}}…{{/key}} only
// when it is; sections of different keys may be nested. kInvalid, naming it, for a key that
// `values` lacks, and for a section that is not closed in order.
Result<std::string> fill_template(std::string_view text, const Values& values);

// `text` with & < > " ' as references.
std::string escape_html(std::string_view text);

}  // namespace deployclaw::api::web
