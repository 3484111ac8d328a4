#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

#include "linux/file.hpp"

namespace deployclaw::linux::testing {

// A make-believe machine for network tests: while it lives, the calling thread is in a network
// namespace of its own (the "host"), and make_agent() gives processes that sleep in further ones
// (the "containers"). The real host's network is never touched. Needs root, or
// CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_SYS_PTRACE.
class NetworkSandbox {
 public:
  // False where this cannot work (no such rights); tests then skip, saying so.
  static bool possible();

  NetworkSandbox();
  ~NetworkSandbox();
  NetworkSandbox(const NetworkSandbox&) = delete;
  NetworkSandbox& operator=(const NetworkSandbox&) = delete;

  // The pid of a new sleeping process in a new network namespace.
  pid_t make_agent();
  void kill_agent(pid_t pid);
  // Runs `work` inside that process's network namespace, on another thread.
  void inside(pid_t agent, const std::function<void()>& work);

 private:
  UniqueFd original_;
  std::vector<pid_t> agents_;
};

}  // namespace deployclaw::linux::testing
