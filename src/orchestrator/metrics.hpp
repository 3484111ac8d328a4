#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "domain/plan.hpp"

namespace deployclaw::orchestrator {

// Counters of this process and their Prometheus text (exposition format 0.0.4). No label holds
// anything a customer chose.
class Metrics {
 public:
  void count_action(domain::ActionKind kind, bool failed);
  void count_pass(std::chrono::nanoseconds duration, bool failed);
  void set_agents(std::map<domain::AgentStatus, std::int64_t> by_status) {
    agents_ = std::move(by_status);
  }
  [[nodiscard]] std::string text() const;

 private:
  std::map<std::pair<domain::ActionKind, bool>, std::uint64_t> actions_;
  std::map<domain::AgentStatus, std::int64_t> agents_;
  std::uint64_t passes_ = 0;
  std::uint64_t failed_passes_ = 0;
  std::chrono::nanoseconds pass_time_{};
};

}  // namespace deployclaw::orchestrator
