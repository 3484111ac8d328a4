#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "linux/address_pool.hpp"
#include "linux/network_names.hpp"

namespace deployclaw::linux {

struct FirewallConfig {
  NetworkNames names;
  Ipv4 gateway;
  std::uint16_t proxy_port = 3128;        // explicit proxy, on the gateway address
  std::uint16_t transparent_port = 3129;  // where all other TCP of agents is led
  std::uint16_t dns_port = 3153;          // where port 53 of agents is led, UDP and TCP
  // The NFLOG group that drops are told to (linux/nflog.hpp); one listener has it, so two platforms
  // on a machine need two.
  std::uint16_t log_group = 3153;
  std::uint32_t logs_per_second = 20;  // at most, of each agent and reason; 1 or more
};

// One agent in the table: only packets from this interface with this source address pass.
struct FirewallEntry {
  std::string interface;
  Ipv4 address;
  bool operator==(const FirewallEntry&) const = default;
  bool operator<(const FirewallEntry& other) const {
    return interface != other.interface ? interface < other.interface : address < other.address;
  }
};

// Packets dropped since the table was loaded, by reason.
struct FirewallCounters {
  std::uint64_t spoofed = 0;    // interface and source address do not belong together
  std::uint64_t ipv6 = 0;       // any IPv6
  std::uint64_t host = 0;       // for the host itself, but not for egress
  std::uint64_t forwarded = 0;  // for another agent or the outside
};

// The static table `inet <names.table>` that lets agents reach egress and nothing else. Its rules
// never change; agents come and go as elements of one set. Every call blocks (use run_blocking) and
// works in the calling thread's network namespace. Not thread-safe: one caller at a time.
class Firewall {
 public:
  explicit Firewall(FirewallConfig config);
  ~Firewall();
  Firewall(const Firewall&) = delete;
  Firewall& operator=(const Firewall&) = delete;

  // Replaces the table in one transaction, keeping the agents that are in it, and reads it back.
  // Until this has succeeded no agent may start; on an error nothing was changed, or the table does
  // not read back (kCorrupt). Counters start anew.
  Status load();

  // Reads the table back: kCorrupt when a rule, chain or set is missing or altered, kNotFound when
  // the table is gone. Cheap enough for every reconcile pass.
  Status verify();

  // Lets `entry.address` through on `entry.interface`. Other addresses of that interface and other
  // interfaces with that address are thrown out in the same transaction. Present is fine.
  Status add_agent(const FirewallEntry& entry);
  // Throws out whatever `interface` had; absent is fine.
  Status remove_agent(const std::string& interface);
  Result<std::vector<FirewallEntry>> list_agents();  // sorted
  Result<FirewallCounters> counters();

  // Deletes the table; absent is fine. For tests and uninstalling: agents are unguarded afterwards.
  Status unload();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The table as nft source; for documentation and tests.
std::string ruleset_text(const FirewallConfig& config, const std::vector<FirewallEntry>& agents);

}  // namespace deployclaw::linux
