#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "domain/backoff.hpp"
#include "domain/deployment.hpp"

// What plan() compares: what customers want and what a host has.
namespace deployclaw::domain {

enum class ActionKind : std::uint8_t;

enum class DesiredState : std::uint8_t { kRunning, kStopped, kDeleted };
std::optional<DesiredState> parse_desired_state(std::string_view text);

enum class AgentStatus : std::uint8_t { kProvisioning, kRunning, kStopped, kError };
std::string_view to_string(AgentStatus status);
std::optional<AgentStatus> parse_agent_status(std::string_view text);

// A generation of an agent that can be brought up, and the limits of its runtime.
struct Target {
  DeploymentId deployment = {};  // whose spec it is
  std::int64_t generation = 0;
  std::string runtime = {};
  std::chrono::microseconds ready_deadline = std::chrono::seconds(180);
  int parallel_starts = 2;
};

struct ActiveDeployment {
  DeploymentId id = {};
  DeploymentState state = DeploymentState::kQueued;
  Target target = {};  // while rolling back: the last live one
  bool rolling_back = false;
  bool may_roll_back = false;  // an earlier generation was live
  std::string failure = {};    // why it rolls back
};

struct DesiredAgent {
  AgentId agent = {};
  ClientId client = {};
  DesiredState state = DesiredState::kRunning;
  AgentStatus status = AgentStatus::kProvisioning;  // as recorded
  std::string status_reason = {};                   // as recorded
  std::optional<ActiveDeployment> active = {};
  // What runs when no deployment is active; none when there never was a live one or the last one
  // failed.
  std::optional<Target> settled = {};
  std::string failure = {};  // why the last deployment failed; empty when it did not
  RestartMemory restarts = {};
};

struct Desired {
  std::vector<DesiredAgent> agents = {};  // sorted by id
};

enum class ContainerState : std::uint8_t { kCreated, kRunning, kExited, kDead };

struct SeenContainer {
  std::string id = {};
  std::int64_t generation = 0;
  ContainerState state = ContainerState::kCreated;
  std::int32_t exit_code = 0;
  bool oom_killed = false;
  std::optional<Time> started_at = {};
  bool attached = false;  // its network namespace is wired up and admitted
};

// The last action for an agent failed.
struct Failure {
  ActionKind action{};
  Code code = Code::kInternal;
  std::string text = {};  // for people
  Time first_at{};        // of an unbroken row of failures
  int times = 1;
  Time retry_at{};
};

struct ObservedAgent {
  AgentId agent = {};
  std::vector<SeenContainer> containers = {};
  bool volume_present = false;
  bool volume_mounted = false;
  bool network_present = false;  // an interface or an admission carries its name
  bool busy = false;             // actions of an earlier plan still run: nothing is planned
  ProbeState probe = {};         // of the running container's present start
  std::optional<Failure> failure = {};
};

struct Observed {
  bool network_ready = false;        // the table is loaded and reads back
  std::string network_trouble = {};  // why not
  // Since when the engine has answered without a break. A container that started before and has
  // ended may have been the engine's victim.
  Time engine_up_since{};
  std::vector<ObservedAgent> agents = {};  // sorted by id
};

}  // namespace deployclaw::domain
