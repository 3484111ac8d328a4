#pragma once

#include <cstdint>

#include "domain/permissions.hpp"

namespace deployclaw::domain {

// What an agent gets of its own persistent volume. Ordered: each gets more than those before it.
enum class StateAccess : std::uint8_t {
  kNone,   // an empty memory-backed folder, gone at each start
  kRead,   // the volume, read-only below a memory-backed layer that takes the writes, gone at each
           // start
  kWrite,  // the volume
};

// files:write gives the volume, files:read alone a look at it.
StateAccess state_access(const Permissions& permissions);

}  // namespace deployclaw::domain
