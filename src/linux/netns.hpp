#pragma once

#include <sys/types.h>

#include <functional>

#include "base/result.hpp"
#include "linux/file.hpp"

namespace deployclaw::linux {

// Opens the network namespace of a process. kNotFound when the process is gone.
Result<UniqueFd> open_netns(pid_t pid);

// True when `netns` is the calling thread's own network namespace.
Result<bool> is_own_netns(const UniqueFd& netns);

// Runs `work` in a short-lived thread inside `netns` and gives its answer. Sockets and
// /proc/sys/net files that `work` opens belong to that namespace; the calling thread never changes
// its own.
Status run_in_netns(const UniqueFd& netns, const std::function<Status()>& work);

}  // namespace deployclaw::linux
