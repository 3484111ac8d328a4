#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "linux/address_pool.hpp"

namespace deployclaw::linux {

// The wire between an agent's container and the host: a veth pair whose inside end is `eth0` with
// one address (/32) and a default route to the gateway, whose outside end has no address at all,
// only a route to the agent. All calls block (use run_blocking), open their own netlink socket in
// the calling thread's network namespace, and converge: repeating one, or repeating it after a
// crash half-way, ends in the same state. They need CAP_NET_ADMIN, and attach_agent also
// CAP_SYS_ADMIN (setns) and CAP_SYS_PTRACE (to open another user's /proc/<pid>/ns/net).
struct AgentLink {
  std::string name;  // host side, from NetworkNames::interface()
  pid_t pid = 0;     // the container's first process, in the host's pid namespace
  Ipv4 address;      // the agent's
  Ipv4 gateway;      // the host's, shared by all agents
};

// Creates the device that carries the gateway address, so that listeners can bind it before any
// agent exists. It is a dummy device, or, where the kernel has none, a veth pair that leads
// nowhere. IPv6 is off on it.
Status ensure_gateway(const std::string& device, Ipv4 gateway);
// Removes it; absent is fine.
Status remove_gateway(const std::string& device);

// Wires an agent up. An interface of that name that leads elsewhere is replaced. Refuses a process
// that lives in the caller's own network namespace (kConflict); a process that is gone gives
// kNotFound. IPv6 is off on both ends and in the agent's namespace; on the host side forwarding,
// proxy ARP and redirects are off, reverse-path filtering is strict, and both neighbours are
// permanent entries. The inside end comes up last, with the default route: an agent whose init
// waits for the route finds everything ready.
Status attach_agent(const AgentLink& link);

// True when attach_agent(link) would change nothing that matters: the pair exists, leads into that
// process's namespace, is up, and carries that address. An absent process or device is `false`.
Result<bool> is_attached(const AgentLink& link);

// Removes the host side (and with it the inside end); absent is fine.
Status detach_agent(const std::string& name);

// A host-side interface and its counters as the agent sees them: what it received and sent.
struct LinkInfo {
  std::string name;
  std::uint32_t index = 0;
  bool up = false;
  std::uint64_t agent_rx_bytes = 0;
  std::uint64_t agent_tx_bytes = 0;
};

// All interfaces whose name starts with `prefix`, in one kernel dump.
Result<std::vector<LinkInfo>> list_links(std::string_view prefix);

}  // namespace deployclaw::linux
