#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace deployclaw::docker::testing {

// A private dockerd in a temporary directory (no bridge, no iptables), for tests. Needs root.
// Killed by pid, its directory removed, when destroyed; also when the process that started it dies.
class Daemon {
 public:
  // Starts one and waits until it answers; kUnavailable with the end of its log when it does not.
  static Result<std::unique_ptr<Daemon>> start();
  // The one of this process, started at first use and ended at exit.
  // DEPLOYCLAW_TEST_DOCKER=<socket> uses a running one instead. The error tells why there is none.
  static Result<std::filesystem::path> shared_socket();

  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }

 private:
  Daemon() = default;
  std::filesystem::path directory_;
  std::filesystem::path socket_;
  int pid_ = -1;
};

}  // namespace deployclaw::docker::testing
