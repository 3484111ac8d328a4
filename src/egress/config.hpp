#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "egress/deadlines.hpp"
#include "linux/address_pool.hpp"

namespace deployclaw::egress {

struct Config {
  std::string host_name;  // whose agents are served; the orchestrator's too
  linux::Ipv4 gateway;
  std::uint16_t proxy_port = 3128;  // as in linux::FirewallConfig
  std::uint16_t transparent_port = 3129;
  std::uint16_t dns_port = 3153;

  std::string spool_directory;
  std::uint64_t spool_bytes = 256ULL << 20;

  std::vector<std::string> nameservers;
  std::map<std::string, std::vector<std::string>> pins;

  uid_t first_worker_uid = 0;
  std::chrono::milliseconds worker_idle{300'000};
  Deadlines deadlines;
  std::chrono::seconds approval_lifetime{600};  // of a request that waits, and of its grant
  std::chrono::milliseconds reload_every{10'000};

  std::string admin_address = "127.0.0.1";
  std::optional<std::uint16_t> admin_port;  // unset: no listener; 0 picks one
};

}  // namespace deployclaw::egress
