#pragma once

#include <cstdint>
#include <string>

namespace deployclaw::scrub {

// How a secret was written before any escaping.
enum class Coding : std::uint8_t {
  kLiteral,
  kHex,     // either case
  kBase64,  // standard or URL alphabet, at any of the three alignments
};

// The way a secret was found: a coding, and the kinds of escapes that some of its characters had.
struct Form {
  Coding coding = Coding::kLiteral;
  bool percent = false;  // %2F
  bool json = false;     // \/ or \u002f
  bool html = false;     // &#47; or &sol;

  bool operator==(const Form&) const = default;
};

// "literal", "hex", "base64", then "+percent", "+json", "+html": for audit records.
std::string to_string(Form form);

}  // namespace deployclaw::scrub
