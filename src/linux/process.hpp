#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::linux {

// Runs a program (absolute path, no shell) with an empty environment but LC_ALL=C, no input, and
// waits for its end. Gives the exit status; above `most_status` it is kInternal with the end of
// what the program printed. kNotFound when there is no such program. Blocks.
Result<int> run_program(const std::vector<std::string>& words, int most_status = 0);

}  // namespace deployclaw::linux
