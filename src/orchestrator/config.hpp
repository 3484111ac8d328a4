#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "domain/plan.hpp"

namespace deployclaw::orchestrator {

// Where a test may kill the process: called before and after each action's effect. Unset in the
// product.
using FaultPoint = std::function<void(domain::ActionKind kind, bool after)>;

struct Config {
  std::string host_name;       // which agents are ours; one orchestrator per name works
  std::filesystem::path home;  // volumes in <home>/agents, image records in <home>/images
  std::string proxy_url;       // what agents are told: "http://10.231.0.1:3128"
  std::string gateway_address;
  std::string public_origin;  // where an agent's own page is seen; may be empty
  bool allow_test_runtimes = false;
  // Caps the runtimes' own limit on overlapping starts; 0 leaves it.
  int parallel_starts = 0;

  domain::PlanRules rules;
  std::chrono::milliseconds pass_every{10'000};
  std::chrono::milliseconds lease{15'000};
  std::chrono::milliseconds renew_every{5'000};

  std::chrono::milliseconds probe_eager{200};   // until the first answer after a start
  std::chrono::milliseconds probe_fast{1'000};  // until it is live
  std::chrono::milliseconds probe_slow{10'000};
  std::chrono::milliseconds probe_timeout{3'000};

  std::chrono::milliseconds output_flush{250};
  std::size_t output_batch = 200;
  std::size_t output_keep = 2'000;
  std::size_t output_rate = 500;  // lines per second and agent

  // An agent's attempts at one destination past egress are one record in this time.
  std::chrono::milliseconds drop_pause{60'000};
  std::chrono::milliseconds drop_flush{1'000};

  std::string admin_address = "127.0.0.1";
  std::optional<std::uint16_t> admin_port;  // unset: no metrics listener; 0 picks one

  FaultPoint fault_point;
};

}  // namespace deployclaw::orchestrator
