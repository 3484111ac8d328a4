#pragma once

#include "base/result.hpp"

namespace deployclaw::vault {

// Before a key is in memory: no core dumps, not dumpable (no ptrace by the same uid, /proc/self/mem
// closed), no new privileges. kUnavailable when the kernel refuses one.
Status harden_process();

// After the listening socket is open: a seccomp filter, for all threads, under which socket,
// connect, bind, listen, execve, ptrace, io_uring, bpf, mounts, namespaces, modules and keyrings
// answer EPERM. What is open stays usable; nothing of the network can be opened any more. Cannot be
// undone.
Status close_doors();

}  // namespace deployclaw::vault
