#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.hpp"

namespace deployclaw::linux {

// A process that parses hostile bytes shuts itself in with this. What remains: its open file
// descriptors, memory that is never executable, sockets of the internet families, clocks.
struct SandboxConfig {
  uid_t uid = 0;  // and the group of the same number; not 0
  std::uint64_t open_files = 16'384;
  std::uint64_t data_bytes = 1ULL << 30;
};

// Irrevocably, in this order: a mount namespace whose only file system is an empty read-only tmpfs
// (and IPC and UTS namespaces), no core dumps, limits, no supplementary groups, the new uid, no
// capabilities, no new privileges, and a seccomp filter (deny by default: the process is killed;
// opening a file only fails with EACCES, as libraries try). Needs CAP_SYS_ADMIN, CAP_SETUID and
// CAP_SETGID; the process has one thread. On an error the process must end: it may be half shut in.
Status enter_sandbox(const SandboxConfig& config);

// Gives every capability up (ambient, inheritable, permitted, effective) and sets no_new_privs.
Status drop_capabilities();

}  // namespace deployclaw::linux
