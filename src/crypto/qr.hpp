#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::crypto {

// `text` as a QR code (ISO/IEC 18004, error correction M, quiet zone of 4) in an SVG element that
// a page may inline under a strict content security policy: no script, no style, no reference
// outside. `title` is its accessible name. kTooLarge when the text does not fit a QR code.
Result<std::string> qr_svg(std::string_view text, std::string_view title);

}  // namespace deployclaw::crypto
