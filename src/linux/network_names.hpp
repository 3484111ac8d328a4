#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::linux {

// What one platform calls its kernel objects, so that two platforms (or tests) share a machine.
// No prefix of one instance is a prefix of another's: nftables matches `prefix*`.
struct NetworkNames {
  std::string table;             // "deployclaw" or "deployclaw_<suffix>"
  std::string interface_prefix;  // "dca" or "dci<suffix>-"
  std::string gateway_device;    // "dcgw0" or "dcgw-<suffix>"

  // `suffix` is empty for the only platform of a machine, else 1 to 6 of [a-z0-9]; else kInvalid.
  static Result<NetworkNames> for_instance(std::string_view suffix);

  // The host side interface of agent number `number` (1 to 99999): "dca7". At most 15 bytes.
  [[nodiscard]] std::string interface(std::uint32_t number) const;
  // The number in such a name; nullopt when the name is not one of this platform's.
  [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view name) const;
};

}  // namespace deployclaw::linux
