#include "orchestrator/network.hpp"

#include "base/log.hpp"
#include "linux/netlink.hpp"

namespace deployclaw::orchestrator {
namespace {

class LinuxNetwork final : public Network {
 public:
  LinuxNetwork(linux::FirewallConfig config, linux::AddressPool pool)
      : config_(config), pool_(pool), firewall_(std::move(config)), thread_("network", 1) {}

  Task<NetworkSeen> look() override {
    std::function<NetworkSeen()> work = [this] { return look_now(); };
    return run_blocking(thread_, std::move(work));
  }

  std::string interface_of(Ipv4 address) const override {
    return config_.names.interface(pool_.offset(address));
  }

  Task<Status> attach(Ipv4 address, pid_t pid) override {
    const auto link = link_to(address, pid);
    std::function<Status()> work = [this, link]() -> Status {
      // Admitted first: the agent's init goes on as soon as the route is there.
      if (auto done = firewall_.add_agent({link.name, link.address}); !done) return done;
      return linux::attach_agent(link);
    };
    return run_blocking(thread_, std::move(work));
  }

  Task<Result<bool>> is_attached(Ipv4 address, pid_t pid) override {
    const auto link = link_to(address, pid);
    std::function<Result<bool>()> work = [link] { return linux::is_attached(link); };
    return run_blocking(thread_, std::move(work));
  }

  Task<Status> detach(std::string interface) override {
    std::function<Status()> work = [this, interface]() -> Status {
      if (auto done = linux::detach_agent(interface); !done) return done;
      return firewall_.remove_agent(interface);
    };
    return run_blocking(thread_, std::move(work));
  }

 private:
  linux::AgentLink link_to(Ipv4 address, pid_t pid) const {
    return {
        .name = interface_of(address), .pid = pid, .address = address, .gateway = config_.gateway};
  }

  NetworkSeen look_now() {
    NetworkSeen seen;
    if (auto done = mend(); !done) {
      seen.trouble = "the agents' network is not protected: " + done.error().message;
      return seen;
    }
    auto agents = firewall_.list_agents();
    auto links = linux::list_links(config_.names.interface_prefix);
    if (!agents || !links) {
      const auto& error = agents ? links.error() : agents.error();
      seen.trouble = "the agents' network does not read back: " + error.message;
      return seen;
    }
    for (const auto& entry : *agents) seen.admitted.emplace(entry.interface, entry.address);
    for (const auto& link : *links) {
      if (config_.names.number_of(link.name)) seen.links.insert(link.name);
    }
    seen.ready = true;
    return seen;
  }

  Status mend() {
    if (auto done = linux::ensure_gateway(config_.names.gateway_device, config_.gateway); !done) {
      return done;
    }
    if (loaded_) {
      auto verified = firewall_.verify();
      if (verified) return verified;
      log::error("packet filter does not read back", {{"error", verified.error().message}});
    }
    // Also at our start: the table may be an older version's.
    loaded_ = false;
    if (auto done = firewall_.load(); !done) return done;
    loaded_ = true;
    return {};
  }

  const linux::FirewallConfig config_;
  const linux::AddressPool pool_;
  linux::Firewall firewall_;
  bool loaded_ = false;
  BlockingPool thread_;  // last: its work uses the others
};

}  // namespace

std::unique_ptr<Network> make_linux_network(linux::FirewallConfig firewall,
                                            linux::AddressPool pool) {
  return std::make_unique<LinuxNetwork>(std::move(firewall), pool);
}

}  // namespace deployclaw::orchestrator
