// What the orchestrator tells the world: observations, second tries, metrics.
#include <boost/json/object.hpp>
#include <utility>

#include "base/log.hpp"
#include "orchestrator/orchestrator.hpp"
#include "store/orchestrator_agents.hpp"
#include "store/orchestrator_deployments.hpp"

namespace deployclaw::orchestrator {
namespace json = boost::json;

using namespace std::chrono_literals;

namespace {

// What a probe round changes every time and nobody waits for.
constexpr std::chrono::seconds kChecksAge{30};
constexpr std::chrono::minutes kLongestRepeatPause{10};

std::string health_word(const domain::DesiredAgent& agent, const domain::ObservedAgent& seen,
                        const domain::SeenContainer* container) {
  if (agent.state != domain::DesiredState::kRunning) return "stopped";
  const bool runs = container != nullptr && container->state == domain::ContainerState::kRunning;
  if (!runs) {
    const bool trouble =
        agent.status == domain::AgentStatus::kError || agent.restarts.next_retry_at.has_value();
    return trouble ? "unhealthy" : "starting";
  }
  if (seen.probe.bad_in_row >= 2 && (seen.probe.ever_ready || !agent.active)) return "unhealthy";
  if (!seen.probe.ever_ready) return "starting";
  return "healthy";
}

store::Observation observe_agent(const domain::DesiredAgent& agent,
                                 const domain::ObservedAgent& seen) {
  store::Observation out;
  out.agent = agent.agent;
  out.client = agent.client;
  const auto* container = seen.containers.empty() ? nullptr : &seen.containers.front();
  if (container != nullptr) {
    out.container_id = container->id;
    out.generation = container->generation;
    out.started_at = container->started_at;
    switch (container->state) {
      case domain::ContainerState::kCreated:
        out.container_state = "created";
        break;
      case domain::ContainerState::kRunning:
        out.container_state = "running";
        break;
      case domain::ContainerState::kExited:
        out.container_state = "exited";
        out.last_exit_code = container->exit_code;
        break;
      case domain::ContainerState::kDead:
        out.container_state = "dead";
        break;
    }
  }
  out.health = health_word(agent, seen, container);
  return out;
}

json::array without_times(json::array checks) {
  for (auto& check : checks) check.as_object().erase("at");
  return checks;
}

bool differs(const store::Observation& a, const store::Observation& b) {
  store::Observation x = a;
  store::Observation y = b;
  x.checks = without_times(std::move(x.checks));
  y.checks = without_times(std::move(y.checks));
  return x != y;
}

}  // namespace

Task<void> Orchestrator::save_observations(const World& world) {
  const Time now = parts_.clock.now();
  for (const auto& seen : world.observed.agents) {
    const auto row = world.rows.find(seen.agent);
    if (row == world.rows.end()) continue;
    auto observation = observe_agent(row->second.agent, seen);
    observation.checks = health_.checks_of(seen.agent);
    if (seen.network_present) {
      observation.interface = parts_.network.interface_of(*memories_[seen.agent].address);
    }
    const auto last = saved_.find(seen.agent);
    if (last != saved_.end() && !differs(observation, last->second.first) &&
        (now - last->second.second < kChecksAge || observation == last->second.first)) {
      continue;
    }
    const auto written = co_await store::save_observation(parts_.db, observation);
    if (!written) {
      if (written.error().code == Code::kCancelled) co_return;
      log::warn("observation not saved", {{"error", written.error().message}});
      co_return;
    }
    saved_[seen.agent] = {std::move(observation), now};
  }
}

// True when the host no longer lacks what made the deployment fail.
Task<bool> Orchestrator::cause_is_gone(const store::DesiredRow& row) {
  if (row.failed_step == "volume" || row.failed_step == "environment") co_return true;
  if (row.failed_step != "image" || row.failed_deployment.is_nil()) co_return false;
  auto spec = co_await store::load_launch_spec(parts_.db, row.agent.agent, row.failed_deployment);
  if (!spec) co_return false;
  const auto launch = make_launch(parts_.catalogue, config_, row.agent.agent, 0, std::move(*spec));
  if (!launch) co_return false;
  const auto reference = image_reference(*launch, config_);
  if (!reference) co_return false;
  const auto exists = co_await parts_.runtime.image_exists(*reference);
  co_return exists && *exists;
}

// A deployment that failed for the host's sake is tried again once the host can.
Task<void> Orchestrator::repeat_failed(const World& world) {
  const Time now = parts_.clock.now();
  for (const auto& [id, row] : world.rows) {
    auto& memory = memories_[id];
    const auto& agent = row.agent;
    if (agent.failure.empty() || agent.active || memory.busy ||
        agent.state != domain::DesiredState::kRunning || memory.repeat_at > now) {
      continue;
    }
    const bool gone = co_await cause_is_gone(row);
    if (!gone) continue;
    const auto repeated = co_await store::repeat_deployment(parts_.db, id);
    if (!repeated) co_return;
    memory.repeat_at = now + memory.repeat_pause;
    memory.repeat_pause =
        std::min<std::chrono::seconds>(2 * memory.repeat_pause, kLongestRepeatPause);
    log::info("deployment repeated", {{"agent", id.to_string()}, {"after", row.failed_step}});
  }
}

void Orchestrator::forget_gone(const World& world) {
  std::erase_if(saved_, [&](const auto& item) { return !world.rows.contains(item.first); });
  std::erase_if(memories_, [&](const auto& item) {
    return !item.second.busy && !world.rows.contains(item.first) &&
           !world.containers.contains(item.first);
  });
}

void Orchestrator::tell_owners(const World& world) {
  std::map<std::string, InterfaceOwner> owners;
  for (const auto& [agent, row] : world.rows) {
    const auto memory = memories_.find(agent);
    if (memory == memories_.end() || !memory->second.address) continue;
    owners.emplace(parts_.network.interface_of(*memory->second.address),
                   InterfaceOwner{row.agent.client, agent});
  }
  drops_.set_owners(std::move(owners));
}

void Orchestrator::count_agents(const std::vector<store::DesiredRow>& rows) {
  std::map<domain::AgentStatus, std::int64_t> counts;
  for (const auto& row : rows) ++counts[row.agent.status];
  metrics_.set_agents(std::move(counts));
}

Task<http::Response> Orchestrator::answer(http::Request request) {
  http::Response response;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  if (request.path == "/healthz") {
    response.body = "ok\n";
  } else if (request.path == "/readyz") {
    response.status = trouble_.empty() && lease_.held() ? 200 : 503;
    response.body = response.status == 200 ? "ready\n" : "not ready: " + trouble_ + "\n";
  } else if (request.path == "/metrics") {
    response.headers.set("Content-Type", "text/plain; version=0.0.4");
    response.body = metrics_.text();
  } else {
    response.status = 404;
    response.body = "not found\n";
  }
  co_return response;
}

}  // namespace deployclaw::orchestrator
