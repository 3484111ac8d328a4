#pragma once

#include <map>
#include <string>
#include <vector>

#include "docker/container.hpp"
#include "orchestrator/health_monitor.hpp"
#include "orchestrator/output_collector.hpp"
#include "orchestrator/parts.hpp"
#include "store/orchestrator_agents.hpp"

namespace deployclaw::orchestrator {

// Everything one pass works from.
struct World {
  domain::Desired desired;
  domain::Observed observed;
  std::map<AgentId, store::DesiredRow> rows;
  std::map<AgentId, std::vector<docker::ObservedContainer>> containers;
  // Interfaces and admissions that belong to no agent.
  std::vector<std::string> strays;
};

// Looks at database and host.
class Observer {
 public:
  Observer(Parts& parts, const Config& config, AgentMemories& memories, HealthMonitor& health);

  // The desired rows alone, with their runtimes' limits: enough to be honest while the engine is
  // away.
  Task<Result<std::vector<store::DesiredRow>>> look_at_rows();
  // kUnavailable when the engine or the database does not answer.
  Task<Result<World>> look(std::vector<store::DesiredRow> rows, std::string instance);

  // The engine's event stream broke: what ends around now may be its victim.
  void engine_broke() { engine_up_ = false; }

  // What is to be probed, followed and measured now.
  [[nodiscard]] std::vector<Watched> watched(const World& world) const;
  [[nodiscard]] static std::vector<OutputSource> sources(const World& world);
  [[nodiscard]] std::vector<UsageTarget> measured(const World& world) const;

 private:
  void fill_limits(domain::Target& target) const;
  Task<void> add_agent(World& world, const NetworkSeen& network, AgentId agent);

  Parts& parts_;
  const Config& config_;
  AgentMemories& memories_;
  HealthMonitor& health_;
  bool engine_up_ = false;
  Time engine_up_since_{};
};

}  // namespace deployclaw::orchestrator
