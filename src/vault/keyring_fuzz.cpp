#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "vault/keyring.hpp"

// A key file that parses must read the same after it is written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using deployclaw::Secret;
  using deployclaw::vault::Keyring;
  const auto ring = Keyring::parse(Secret::copy_of(std::span(data, size)));
  if (!ring) return 0;
  const Secret text = ring->to_text();
  const auto again = Keyring::parse(text);
  if (!again || !again->to_text().equals(text)) std::abort();
  return 0;
}
