#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "orchestrator/usage_rates.hpp"

namespace deployclaw::orchestrator {

// A running container whose use is wanted.
struct UsageTarget {
  AgentId agent;
  std::string container;
  std::optional<Time> started_at;
  pid_t pid = 0;
  std::string interface;  // the host's side of its wire

  // Whether both count from the same 0.
  [[nodiscard]] bool same_start(const UsageTarget& other) const {
    return container == other.container && started_at == other.started_at;
  }
};

// Reads what containers use: an edge, so that tests need no kernel.
class UsageReader {
 public:
  virtual ~UsageReader() = default;
  // One for each target, in their order; nullopt for what cannot be read (it has just ended, say).
  virtual Task<std::vector<std::optional<UsageReading>>> read(std::vector<UsageTarget> targets) = 0;
};

// The real one, on a thread of its own: cgroup files, which it keeps open, and one dump of the
// interfaces whose name begins with `interface_prefix`.
std::unique_ptr<UsageReader> make_linux_usage_reader(std::string interface_prefix);

}  // namespace deployclaw::orchestrator
