#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/event.hpp"
#include "domain/plan.hpp"
#include "orchestrator/launch.hpp"
#include "orchestrator/lease_keeper.hpp"
#include "orchestrator/metrics.hpp"
#include "orchestrator/output_collector.hpp"
#include "orchestrator/parts.hpp"
#include "store/orchestrator_deployments.hpp"

namespace deployclaw::orchestrator {

// What all runs share.
struct Workshop {
  Parts& parts;
  const Config& config;
  LeaseKeeper& lease;
  OutputCollector& output;
  Metrics& metrics;
  AgentMemories& memories;
  std::string instance;
};

// Carries one agent's actions out, in order, once. Stops at the first that fails and notes the
// failure in the agent's memory, for the next plan to judge; stops silently when the deployment was
// overtaken or the host lease lost. Every action may be repeated after a crash.
class Run {
 public:
  Run(Workshop& shop, domain::DesiredAgent desired, domain::ObservedAgent seen);

  Task<void> execute(std::vector<domain::Action> actions);

 private:
  // false: go no further, but nothing is wrong.
  using Progress = Result<bool>;

  Task<Progress> perform(domain::Action action);
  Task<Progress> apply(domain::Action a);
  Task<Progress> claim();
  Task<Progress> advance(domain::DeploymentState to);
  Task<Progress> begin_rollback(std::string reason);
  Task<Progress> finish(domain::DeploymentState to, std::string reason);
  Task<Progress> delete_row();

  Task<Status> ensure_image();
  Task<Status> ensure_volume();
  Task<Status> write_config();
  Task<Status> write_ca_bundle();
  Task<Status> create_container();
  Task<Status> start_container(std::string container);
  Task<Progress> attach_network(std::string container);
  Task<Status> detach_network();
  Task<Status> remove_container(std::string container);
  Task<Status> save(domain::RestartMemory memory);
  Task<Status> open_circuit(std::string reason);

  Task<Status> load(DeploymentId deployment, std::int64_t generation);
  Task<void> begin_step(std::string name);
  Task<store::Outcome> gather_outcome(std::string reason);
  Result<Ipv4> reserve_address();
  [[nodiscard]] audit::Event event(std::string type, std::string outcome,
                                   boost::json::object metadata) const;
  void note_failure(domain::ActionKind kind, const Error& error);

  Workshop& shop_;
  domain::DesiredAgent desired_;
  const domain::ObservedAgent seen_;
  AgentMemory& memory_;
  domain::DeploymentState state_ = domain::DeploymentState::kQueued;
  std::optional<Launch> launch_;
  DeploymentId launch_of_;
  std::string image_;
  std::string created_;      // the container made in this run
  bool restarting_ = false;  // after an exit, by our policy
  bool outage_ = false;      // the deployment fails because something did not answer for too long
};

}  // namespace deployclaw::orchestrator
