#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "base/result.hpp"

namespace deployclaw::linux {

// What an agent sees in the place of its state volume when it may not write to it: memory of fixed
// size, empty or above the volume. Every mount is nosuid, nodev. All calls block, need
// CAP_SYS_ADMIN, and must run in the mount namespace that Docker sees.
struct StateView {
  std::filesystem::path mountpoint;  // what the container gets; created when absent
  std::filesystem::path memory;      // holds the upper layer; created when absent
  std::filesystem::path lower;       // a mounted volume; empty: nothing is below
  std::uint64_t size_bytes = 0;      // of what can be written
  uid_t owner = 0;                   // of the root directory
  gid_t group = 0;
};

// Mounts a fresh view: what was written into one before is gone. The volume below is never written
// to, and cannot be reached for writing from inside.
Status mount_fresh_view(const StateView& view);

// Unmounts; absent is fine. To be done before the volume below is unmounted, enlarged or removed:
// the view keeps it in use. kConflict when something on the host still uses it.
Status unmount_view(const StateView& view);

// Unmounts and removes both mount points. Absent is fine.
Status remove_view(const StateView& view);

}  // namespace deployclaw::linux
