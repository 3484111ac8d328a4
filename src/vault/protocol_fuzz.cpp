#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "vault/protocol.hpp"

// A call that parses must read the same after it is written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using deployclaw::vault::encode_call;
  using deployclaw::vault::parse_call;
  const auto call = parse_call(std::string(reinterpret_cast<const char*>(data), size));
  if (!call) return 0;
  const std::string encoded = encode_call(*call);
  const auto again = parse_call(encoded);
  if (!again || encode_call(*again) != encoded) std::abort();
  return 0;
}
