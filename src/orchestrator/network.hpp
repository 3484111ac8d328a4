#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/task.hpp"
#include "linux/address_pool.hpp"
#include "linux/nftables.hpp"

namespace deployclaw::orchestrator {

using linux::Ipv4;

// What of the agents' network exists on this host.
struct NetworkSeen {
  bool ready = false;                         // gateway and table are there and read back
  std::string trouble = {};                   // why not, for people
  std::map<std::string, Ipv4> admitted = {};  // interface → address in the table
  std::set<std::string> links = {};           // host-side interfaces
};

// The agents' network as the orchestrator uses it: an edge, so that tests need no root.
class Network {
 public:
  virtual ~Network() = default;
  // Looks, and mends gateway and table where they are missing or altered.
  virtual Task<NetworkSeen> look() = 0;
  [[nodiscard]] virtual std::string interface_of(Ipv4 address) const = 0;
  // Admits the address, then wires the process's namespace up. kNotFound when the process is gone.
  virtual Task<Status> attach(Ipv4 address, pid_t pid) = 0;
  virtual Task<Result<bool>> is_attached(Ipv4 address, pid_t pid) = 0;
  // Takes interface and admission away; absent is fine.
  virtual Task<Status> detach(std::string interface) = 0;
};

// The real one, on a thread of its own. Needs the capabilities that linux/netlink.hpp names.
std::unique_ptr<Network> make_linux_network(linux::FirewallConfig firewall,
                                            linux::AddressPool pool);

}  // namespace deployclaw::orchestrator
