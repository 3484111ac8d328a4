#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deployclaw::api::web {

enum class Coding : std::uint8_t { kIdentity, kGzip, kBrotli };

// The coding to answer with, by an Accept-Encoding value (RFC 9110 §12.5.3): the smallest that the
// client takes and `has` (a set of bits 1 << Coding) offers. A coding with q=0 is not taken; what
// does not parse counts as not named. Identity is the answer when nothing else fits.
Coding choose_coding(std::string_view accept_encoding, unsigned has);

// `data` compressed as well as is sensible at start-up. kIdentity gives `data` itself.
std::string compress(std::string_view data, Coding coding);

}  // namespace deployclaw::api::web
