#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "docker/testing/daemon.hpp"
#include "linux/nftables.hpp"
#include "orchestrator/config.hpp"
#include "orchestrator/testing/rig.hpp"

namespace deployclaw::orchestrator::testing {

// A real host in small: a private Docker daemon with the probe image, a real packet filter, loop
// volumes and PostgreSQL. The orchestrator runs in a process of its own, so that it can be killed.
// Needs root.
class RealHost {
 public:
  // `source` is the checkout, for recipe and catalogue. Says why not, where it cannot be had.
  static Result<std::unique_ptr<RealHost>> create(std::filesystem::path source);
  ~RealHost();

  void start(FaultPoint fault_point = {});
  // SIGTERM (it must end by itself) or SIGKILL.
  void stop();
  void kill();
  // True when the process ended within ten seconds.
  bool ended();

  void kill_docker();
  void start_docker();

  // Polls until `holds`; false after a minute.
  static bool until(const std::function<bool()>& holds);
  // Of this host's agents: containers, host-side interfaces, mounted volumes.
  std::size_t containers();
  std::size_t links();
  std::size_t mounts();
  // A command inside the agent's container.
  docker::ExecResult exec(AgentId agent, std::vector<std::string> command);
  [[nodiscard]] const std::filesystem::path& home() const { return home_; }

  Customer customer;
  std::chrono::seconds deadline{20};

 private:
  RealHost() = default;
  Status prepare();
  int run(const FaultPoint& fault_point) const;

  std::unique_ptr<docker::testing::Daemon> daemon_;
  std::filesystem::path source_;
  std::filesystem::path home_;
  std::string instance_;
  linux::FirewallConfig firewall_;
  std::optional<linux::AddressPool> pool_;
  pid_t process_ = 0;
  pid_t docker_ = 0;  // of a daemon that was started again
};

}  // namespace deployclaw::orchestrator::testing
