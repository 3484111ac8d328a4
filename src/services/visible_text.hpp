#pragma once

#include <string>
#include <string_view>

// Text that an agent wrote, made safe to look at. Pure.
namespace deployclaw::services {

enum class Lines : bool { kOne, kMany };

// Well-formed UTF-8 in which nothing is hidden: control characters, what turns the direction of
// writing, what has no width, tags and the like become "<U+202E>", bytes that are no UTF-8
// "<0xFF>". With kMany line ends stay (as "\n") and so do tabs. At most eight times as long.
std::string visible_text(std::string_view bytes, Lines lines);

// True when it is to be read as text: well-formed UTF-8 with hardly any character that is hidden.
bool is_readable(std::string_view bytes);

}  // namespace deployclaw::services
