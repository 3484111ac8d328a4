#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtimes/image_build.hpp"

namespace deployclaw::runtimes {

// Runs `command` (program first, no shell) with this process's environment and /dev/null as its
// input, and hands every line of its output and errors to `progress` as it comes. Ok when it exits
// with 0; otherwise kInternal with the exit code and the last lines. Blocks until the end.
Status run_recipe(const std::vector<std::string>& command, const Progress& progress);

}  // namespace deployclaw::runtimes
