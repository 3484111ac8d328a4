#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::linux {

// A state volume: an ext4 file system of fixed size in a sparse file, so that one agent cannot fill
// the disk of another on a host without project quotas. Mounted nosuid, nodev. All calls block (use
// run_blocking), need CAP_SYS_ADMIN, and must run in the mount namespace that Docker sees.
struct StateVolume {
  std::filesystem::path image;       // the sparse file
  std::filesystem::path mountpoint;  // created with its parents when absent
  std::uint64_t size_bytes = 0;      // at creation; at least 8 MiB
  uid_t owner = 0;                   // of the root directory
  gid_t group = 0;
};

// Creates, formats, attaches and mounts what is not yet there. A crash between any two steps is
// healed by calling it again; a half-formatted file is never mounted. Present and mounted is fine
// (the size is then not looked at: see grow). kUnavailable when the disk cannot hold the volume,
// saying how much is free.
Status ensure_state_volume(const StateVolume& volume);

// Unmounts and detaches; absent is fine. kConflict when something on the host still uses it.
Status unmount_state_volume(const StateVolume& volume);

// Unmounts, detaches and deletes the file and the mount point. Absent is fine.
Status remove_state_volume(const StateVolume& volume);

// Enlarges an unmounted volume to `size_bytes` (checks it first). Smaller or equal is fine and does
// nothing. kConflict while it is mounted.
Status grow_state_volume(const StateVolume& volume, std::uint64_t size_bytes);

// Used and total bytes as the agent sees them; kNotFound when not mounted.
struct VolumeUsage {
  std::uint64_t used_bytes = 0;
  std::uint64_t total_bytes = 0;
};
Result<VolumeUsage> state_volume_usage(const StateVolume& volume);

// What is mounted from loop files below `directory`: to find leftovers of removed agents.
struct MountedVolume {
  std::filesystem::path mountpoint;
  std::filesystem::path image;  // may be gone already
};
Result<std::vector<MountedVolume>> list_state_volumes(const std::filesystem::path& directory);

}  // namespace deployclaw::linux
