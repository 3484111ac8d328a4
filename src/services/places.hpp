#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "services/injection.hpp"

// What the files of the injection share; private to this module.
namespace deployclaw::services {

std::unexpected<Error> misplaced(const AgentCredential& credential, std::string_view where);

// Refuses when `text`, as it stands or percent-decoded, holds a placeholder of any of `all`.
// `where` and `kind` together tell where it is: "X-Key" and " header".
Status hold_no_placeholder(std::string_view text, std::span<const AgentCredential> all,
                           std::string_view where, std::string_view kind = "");

// The value to send; kUnavailable when there is none.
Result<const Secret*> value_of(const Injection& injection, const SecretSource& secrets);

// kInvalid when the value has bytes that the place cannot hold.
Status check_fit(const Place& place, std::string_view value);

// The injection whose placeholder is `text` and whose place satisfies `fits(place)`; else nullptr.
template <class Fits>
const Injection* find_injection(std::span<const Injection> injections, std::string_view text,
                                Fits fits) {
  for (const auto& injection : injections) {
    if (injection.credential->placeholder == text && fits(*injection.place)) return &injection;
  }
  return nullptr;
}

void note(Injected& used, const Injection& injection);

}  // namespace deployclaw::services
