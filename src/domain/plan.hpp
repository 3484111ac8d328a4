#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "domain/agent_state.hpp"

namespace deployclaw::domain {

// One step towards the desired state. Each can be repeated after a crash: the next plan starts from
// what is there.
enum class ActionKind : std::uint8_t {
  kAdvance,          // the active deployment goes on to `to`
  kEnsureImage,      // the runtime's image must be on this host
  kEnsureVolume,     // create and mount the state volume
  kWriteConfig,      // render the runtime's config into the state volume
  kCreateContainer,  // for `deployment`'s spec and `generation`
  kStartContainer,   // `container`, or the one just created when empty
  kAttachNetwork,    // wire the running container up
  kStopContainer,
  kRemoveContainer,
  kDetachNetwork,
  kRemoveVolume,
  kDeleteAgentRow,
  kScheduleRestart,  // the container ended: note it and when to start again
  kOpenCircuit,      // it ended too often: give up until a person acts
  kClearRetry,       // the start that was held back has happened
  kNoteHealthy,      // healthy from now on
  kForgetBackoff,    // healthy for long enough
  kBeginRollback,    // the deployment failed: bring the previous generation back, in the same row
  kFinish,           // the deployment ends in `to`
  kSetStatus,        // the agent's status and reason for its owner
};
std::string_view to_string(ActionKind kind);

struct Action {
  AgentId agent = {};
  ActionKind kind = ActionKind::kSetStatus;
  std::string container = {};
  DeploymentId deployment = {};
  std::int64_t generation = 0;
  DeploymentState to = DeploymentState::kQueued;
  AgentStatus status = AgentStatus::kProvisioning;
  std::string reason = {};

  bool operator==(const Action&) const = default;
};

struct Plan {
  std::vector<Action> actions = {};  // an agent's actions stand together, in order
  std::optional<Time> wake_at = {};  // when time alone makes the next difference
};

struct PlanRules {
  VerdictRules verdict;
  RestartPolicy restart;
  int bad_probes = 3;  // in a row, after it was ready: the agent is restarted
  // How long a deployment waits for an engine, vault or disk that does not answer.
  std::chrono::microseconds patience = std::chrono::minutes(10);
};

// What must be done now. Pure: no clock, no randomness, no memory. Both lists are sorted by agent
// id. An agent that is only observed (its row is gone) loses containers and network; its volume is
// left to a person, because data goes only where its deletion was asked for.
//
// Holds for every state: at most one container per agent is ever asked for; nothing is started
// while the network's table is not loaded; network without a running container is taken away; a
// container of another generation never runs beside or instead of the wanted one; the plan of a
// settled state is empty.
Plan plan(const PlanRules& rules, const Desired& desired, const Observed& observed, Time now);

// True when a failed action of a deployment is a verdict and not something to wait for.
bool is_final(const Failure& failure, const PlanRules& rules, Time now);

}  // namespace deployclaw::domain
