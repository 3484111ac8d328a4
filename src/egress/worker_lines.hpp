#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// Carries what a worker of `client` writes to its standard output and error into the log, each line
// as a text inside one of ours: a worker that was taken over cannot forge a line, and not drown the
// others' (LogLimiter). It is read slowly then, so it waits. Runs until the worker has ended.
Task<void> carry_worker_lines(linux::UniqueFd pipe, ClientId client);

}  // namespace deployclaw::egress
