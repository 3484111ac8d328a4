#pragma once

#include <string>

#include "base/result.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// Takes a spool's folder for this process, as long as the answer lives. kConflict when another
// process has it: two writers would destroy it.
Result<linux::UniqueFd> lock_spool(const std::string& directory);

}  // namespace deployclaw::egress
