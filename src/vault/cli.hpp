#pragma once

#include <string>

namespace deployclaw::vault {

// `deployclaw vault status`: asks the running vault and prints its key versions and counters to
// stdout (as JSON when `as_json`). Returns the process's exit code; trouble goes to stderr.
int run_status(const std::string& socket_path, bool as_json = false);

// `deployclaw vault rotate`: adds a master key version and reminds to back the key file up.
int run_rotate(const std::string& socket_path, bool as_json = false);

}  // namespace deployclaw::vault
