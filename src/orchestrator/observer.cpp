#include "orchestrator/observer.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace deployclaw::orchestrator {
namespace {

domain::ContainerState plain(docker::ContainerState state) {
  switch (state) {
    case docker::ContainerState::kCreated:
      return domain::ContainerState::kCreated;
    case docker::ContainerState::kRunning:
    case docker::ContainerState::kPaused:
      return domain::ContainerState::kRunning;
    case docker::ContainerState::kExited:
      return domain::ContainerState::kExited;
    case docker::ContainerState::kDead:
      break;
  }
  return domain::ContainerState::kDead;
}

// The engine also calls a container "created" whose start failed.
domain::SeenContainer plain(const docker::ObservedContainer& container) {
  return {.id = container.id,
          .generation = container.generation,
          .state = plain(container.state),
          .exit_code = container.exit_code,
          .oom_killed = container.oom_killed,
          .started_at = container.started_at};
}

}  // namespace

Observer::Observer(Parts& parts, const Config& config, AgentMemories& memories,
                   HealthMonitor& health)
    : parts_(parts), config_(config), memories_(memories), health_(health) {}

void Observer::fill_limits(domain::Target& target) const {
  const auto* runtime = parts_.catalogue.find(target.runtime, config_.allow_test_runtimes);
  if (runtime == nullptr) return;
  target.ready_deadline = runtime->deadline;
  target.parallel_starts = static_cast<int>(runtime->parallel_starts);
  if (config_.parallel_starts > 0) {
    target.parallel_starts = std::min(target.parallel_starts, config_.parallel_starts);
  }
}

Task<Result<std::vector<store::DesiredRow>>> Observer::look_at_rows() {
  const auto claimed = co_await store::claim_unassigned_agents(parts_.db, config_.host_name);
  if (!claimed) co_return std::unexpected(claimed.error());
  for (auto& [agent, memory] : memories_) memory.busy_at_look = memory.busy;
  auto rows = co_await store::list_desired(parts_.db, config_.host_name);
  if (!rows) co_return std::unexpected(rows.error());
  for (auto& row : *rows) {
    if (row.agent.active) fill_limits(row.agent.active->target);
    if (row.agent.settled) fill_limits(*row.agent.settled);
    auto& memory = memories_[row.agent.agent];
    if (!memory.address && !row.address.empty()) {
      const auto address = linux::parse_ipv4(row.address);
      // An address of an earlier pool is no longer ours to use.
      if (address && parts_.pool.contains(*address)) memory.address = *address;
    }
  }
  co_return rows;
}

Task<void> Observer::add_agent(World& world, const NetworkSeen& network, AgentId agent) {
  auto& memory = memories_[agent];
  domain::ObservedAgent seen{.agent = agent};
  seen.busy = memory.busy || memory.busy_at_look || memory.hold_until > parts_.clock.now();
  const auto row = world.rows.find(agent);
  const bool active = row != world.rows.end() && row->second.agent.active;
  const DeploymentId now_for = active ? row->second.agent.active->id : DeploymentId();
  if (memory.failure_of == now_for) seen.failure = memory.failure;
  std::string interface;
  if (memory.address) {
    interface = parts_.network.interface_of(*memory.address);
    seen.network_present =
        network.links.contains(interface) || network.admitted.contains(interface);
  }
  for (const auto& container : world.containers[agent]) {
    auto one = plain(container);
    if (one.state == domain::ContainerState::kRunning && memory.address) {
      const auto admitted = network.admitted.find(interface);
      one.attached = network.links.contains(interface) && admitted != network.admitted.end() &&
                     admitted->second == *memory.address;
      if (one.attached &&
          (memory.wired != container.id || memory.wired_start != container.started_at)) {
        const auto wired = co_await parts_.network.is_attached(*memory.address, container.pid);
        one.attached = wired && *wired;
        if (one.attached) {
          memory.wired = container.id;
          memory.wired_start = container.started_at;
        }
      }
      seen.probe = health_.state_of(agent, container.id, container.started_at);
    }
    seen.containers.push_back(std::move(one));
  }
  world.observed.agents.push_back(std::move(seen));
}

Task<Result<World>> Observer::look(std::vector<store::DesiredRow> rows, std::string instance) {
  World world;
  const auto containers = co_await parts_.runtime.list(instance);
  if (!containers) {
    engine_up_ = false;
    co_return std::unexpected(containers.error());
  }
  if (!engine_up_) {
    engine_up_ = true;
    engine_up_since_ = parts_.clock.now();
  }
  world.observed.engine_up_since = engine_up_since_;
  const auto network = co_await parts_.network.look();
  world.observed.network_ready = network.ready;
  world.observed.network_trouble = network.trouble;
  const auto volumes = co_await parts_.volumes.look();
  if (!volumes) co_return std::unexpected(volumes.error());

  std::set<AgentId> agents;
  std::set<std::string> known;
  for (auto& row : rows) {
    agents.insert(row.agent.agent);
    world.desired.agents.push_back(row.agent);
    const AgentId id = row.agent.agent;
    world.rows.emplace(id, std::move(row));
  }
  for (const auto& container : *containers) {
    agents.insert(container.agent);
    world.containers[container.agent].push_back(container);
  }
  for (const AgentId agent : agents) {
    co_await add_agent(world, network, agent);
    auto& seen = world.observed.agents.back();
    const auto volume = volumes->find(agent);
    seen.volume_present = volume != volumes->end();
    seen.volume_mounted = seen.volume_present && volume->second.mounted;
  }
  for (const auto& [agent, memory] : memories_) {
    if (memory.address && (memory.busy || agents.contains(agent))) {
      known.insert(parts_.network.interface_of(*memory.address));
    }
  }
  for (const auto& [interface, address] : network.admitted) {
    if (!known.contains(interface)) world.strays.push_back(interface);
  }
  for (const auto& interface : network.links) {
    if (!known.contains(interface) && !network.admitted.contains(interface)) {
      world.strays.push_back(interface);
    }
  }
  co_return world;
}

std::vector<Watched> Observer::watched(const World& world) const {
  std::vector<Watched> out;
  for (const auto& seen : world.observed.agents) {
    const auto row = world.rows.find(seen.agent);
    const auto memory = memories_.find(seen.agent);
    if (row == world.rows.end() || memory == memories_.end() || !memory->second.address) continue;
    const auto& agent = row->second.agent;
    const auto* target = agent.active    ? &agent.active->target
                         : agent.settled ? &*agent.settled
                                         : nullptr;
    if (target == nullptr) continue;
    const auto* runtime = parts_.catalogue.find(target->runtime, config_.allow_test_runtimes);
    if (runtime == nullptr) continue;
    for (const auto& container : seen.containers) {
      if (!container.attached) continue;
      out.push_back({.agent = seen.agent,
                     .container = container.id,
                     .started_at = container.started_at,
                     .address = memory->second.address->to_string(),
                     .probe = runtime->probe,
                     .settled = !agent.active});
    }
  }
  return out;
}

std::vector<UsageTarget> Observer::measured(const World& world) const {
  std::vector<UsageTarget> out;
  for (const auto& [agent, containers] : world.containers) {
    const auto memory = memories_.find(agent);
    if (!world.rows.contains(agent) || memory == memories_.end() || !memory->second.address) {
      continue;
    }
    for (const auto& container : containers) {
      // Only once its wire is known to be its own.
      if (container.state != docker::ContainerState::kRunning ||
          memory->second.wired != container.id ||
          memory->second.wired_start != container.started_at) {
        continue;
      }
      out.push_back({.agent = agent,
                     .container = container.id,
                     .started_at = container.started_at,
                     .pid = container.pid,
                     .interface = parts_.network.interface_of(*memory->second.address)});
      break;
    }
  }
  return out;
}

std::vector<OutputSource> Observer::sources(const World& world) {
  std::vector<OutputSource> out;
  for (const auto& [agent, containers] : world.containers) {
    const auto row = world.rows.find(agent);
    if (row == world.rows.end()) continue;
    for (const auto& container : containers) {
      if (!container.started_at) continue;
      out.push_back({.agent = agent,
                     .client = row->second.agent.client,
                     .container = container.id,
                     .started_at = container.started_at});
      break;
    }
  }
  return out;
}

}  // namespace deployclaw::orchestrator
