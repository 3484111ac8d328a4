#include "orchestrator/usage_reader.hpp"

#include <map>
#include <utility>

#include "linux/cgroup.hpp"
#include "linux/netlink.hpp"

namespace deployclaw::orchestrator {
namespace {

using Readings = std::vector<std::optional<UsageReading>>;

class LinuxUsageReader final : public UsageReader {
 public:
  explicit LinuxUsageReader(std::string interface_prefix)
      : interface_prefix_(std::move(interface_prefix)), thread_("usage", 1) {}

  Task<Readings> read(std::vector<UsageTarget> targets) override {
    std::function<Readings()> work = [this, targets = std::move(targets)] {
      return read_now(targets);
    };
    return run_blocking(thread_, std::move(work));
  }

 private:
  struct Open {
    UsageTarget target;
    linux::CgroupReader cgroup;
  };

  Readings read_now(const std::vector<UsageTarget>& targets) {
    Readings out(targets.size());
    const auto links = linux::list_links(interface_prefix_);
    std::map<std::string_view, const linux::LinkInfo*> by_name;
    if (links) {
      for (const auto& link : *links) by_name.emplace(link.name, &link);
    }
    std::map<AgentId, Open> kept;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const auto link = by_name.find(targets[i].interface);
      auto open = open_cgroup(targets[i]);
      if (!open) continue;
      const auto sample = open->cgroup.read();
      if (!sample) continue;
      if (link != by_name.end()) out[i] = reading_of(*sample, *link->second);
      kept.insert_or_assign(targets[i].agent, std::move(*open));
    }
    open_ = std::move(kept);  // the others' files are closed
    return out;
  }

  // What is open already, while it is of the same start.
  std::optional<Open> open_cgroup(const UsageTarget& target) {
    const auto known = open_.find(target.agent);
    if (known != open_.end() && known->second.target.same_start(target)) {
      return std::move(known->second);
    }
    auto cgroup = linux::CgroupReader::open_container(target.pid, target.container);
    if (!cgroup) return std::nullopt;
    return Open{target, std::move(*cgroup)};
  }

  static UsageReading reading_of(const linux::CgroupSample& sample, const linux::LinkInfo& link) {
    return {.at = std::chrono::steady_clock::now(),
            .cpu_microseconds = sample.cpu_microseconds,
            .memory_bytes = sample.memory_used,
            .memory_limit_bytes = sample.memory_limit,
            .interface_index = link.index,
            .received_bytes = link.agent_rx_bytes,
            .sent_bytes = link.agent_tx_bytes};
  }

  const std::string interface_prefix_;
  std::map<AgentId, Open> open_;  // only on the thread
  BlockingPool thread_;           // last: its work uses the others
};

}  // namespace

std::unique_ptr<UsageReader> make_linux_usage_reader(std::string interface_prefix) {
  return std::make_unique<LinuxUsageReader>(std::move(interface_prefix));
}

}  // namespace deployclaw::orchestrator
