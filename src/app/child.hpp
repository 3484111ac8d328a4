#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::app {

// A program to run as a child of this process. Blocking, single-threaded use only: it forks.
struct ChildSpec {
  std::string name;  // for messages and the log file
  // Absolute path, or empty: this very binary (even when its path cannot be reached as `uid`).
  std::string program = {};
  std::vector<std::string> arguments;  // without the program's name
  std::vector<std::string> environment;
  std::string working_directory = "/";
  std::string log_path;  // stdout and stderr are appended here; opened before the uid changes
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<int> capabilities = {};  // kept (ambient) after the uid change
  int death_signal = 15;               // what the kernel sends the child when this process dies
};

// Starts the child and returns its pid. Errors: kUnavailable with the step that failed (log file,
// fork); a failing exec shows as exit code 127 with a line in the child's log.
Result<pid_t> start_child(const ChildSpec& spec);

// Runs a child to its end and returns its exit code (128 + signal when killed).
Result<int> run_child(const ChildSpec& spec);

// "exited with code 1" or "was killed by signal 9", for a wait status.
std::string describe_exit(int wait_status);

}  // namespace deployclaw::app
