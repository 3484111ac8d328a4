#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployclaw::api {

// The one form under which an address is stored, looked up and counted: surrounding blanks removed,
// ASCII lower case (local parts too: nobody's mail host tells them apart, and two accounts that
// differ by case would be a trap). nullopt when it is not a plain ASCII address: one '@', a
// dot-atom of at most 64 characters before it (RFC 5321 §4.5.3.1.1), after it a host name with a
// dot and labels of letters, digits and inner hyphens; 254 characters in all. International domains
// are given in their xn-- form.
std::optional<std::string> normalise_email(std::string_view text);

}  // namespace deployclaw::api
