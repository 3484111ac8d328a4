#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::vault {

// A master key version as the database remembers it (vault_key_versions): its number and check,
// never the key.
struct KnownKey {
  std::uint32_t version = 0;
  std::string check;
};

// The versions a vault's status() answer names. kUnavailable when it is not of that form.
Result<std::vector<KnownKey>> key_versions_of(const boost::json::object& status);

// Whether the vault holds every version that `known` (the database) has seen, with the same key.
// kUnavailable with the versions and the way out otherwise: start nothing that seals or opens,
// since a vault with other keys would seal new rows that the restored keys cannot read. A version
// that no row uses any more is retired by deleting its line from the database first.
Status check_key_versions(const std::vector<KnownKey>& known, const std::vector<KnownKey>& held);

}  // namespace deployclaw::vault
