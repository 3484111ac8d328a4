// Random worlds, an executor that fails and dies at random, and the invariants that must hold
// whatever happens.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "domain/plan.hpp"

namespace deployclaw::domain {
namespace {

using namespace std::chrono_literals;
using Kind = ActionKind;
using State = DeploymentState;

const Time kStart{1'750'000'000s};

int pick(int below) { return *rc::gen::inRange(0, below); }

// One agent, its rows and what the host has of it.
struct Life {
  DesiredAgent row;
  bool row_exists = true;
  ObservedAgent host;
  std::map<std::int64_t, bool> comes_up;  // generation → it becomes ready
  int next_container = 0;
  bool may_exit = true;
  int ended_at_once = 0;  // exits that no pass has seen yet
};

struct World {
  std::map<AgentId, Life> agents;
  Observed shared{.network_ready = true, .engine_up_since = kStart};
  Time now = kStart;
  PlanRules rules;

  Plan make_plan() {
    Desired desired;
    Observed observed = shared;
    for (auto& [id, life] : agents) {
      if (life.row_exists) desired.agents.push_back(life.row);
      observed.agents.push_back(life.host);
    }
    return plan(rules, desired, observed, now);
  }

  // What the orchestrator does with one action; false when it failed.
  bool execute(const Action& action) {
    Life& life = agents.at(action.agent);
    auto& containers = life.host.containers;
    auto found = std::ranges::find_if(containers, [&](const SeenContainer& c) {
      return action.container.empty() || c.id == action.container;
    });
    switch (action.kind) {
      case Kind::kAdvance:
        life.row.active->state = action.to;
        break;
      case Kind::kBeginRollback:
        life.row.active->state = State::kPulling;
        life.row.active->rolling_back = true;
        life.row.active->failure = action.reason;
        life.row.active->target = *life.row.settled;
        break;
      case Kind::kFinish:
        finish(life, action);
        break;
      case Kind::kEnsureVolume:
        life.host.volume_present = life.host.volume_mounted = true;
        break;
      case Kind::kWriteConfig:
        RC_ASSERT(life.host.volume_mounted);
        break;
      case Kind::kCreateContainer:
        RC_ASSERT(containers.empty());
        containers.push_back(
            {.id = "c" + std::to_string(life.next_container++), .generation = action.generation});
        break;
      case Kind::kStartContainer:
        RC_ASSERT(shared.network_ready);
        RC_ASSERT(life.host.volume_mounted);
        // One that ended at once is not started again without having been held back.
        RC_ASSERT(life.row.active || life.ended_at_once == 0);
        if (found == containers.end()) return false;
        found->state = ContainerState::kRunning;
        found->started_at = now;
        found->attached = false;
        life.host.probe = {};
        if (!life.row.active && life.may_exit && pick(3) == 0) {
          found->state = ContainerState::kExited;
          ++life.ended_at_once;
        }
        break;
      case Kind::kAttachNetwork:
        if (found == containers.end() || found->state != ContainerState::kRunning) return false;
        found->attached = life.host.network_present = true;
        break;
      case Kind::kStopContainer:
        if (found != containers.end()) {
          found->state = ContainerState::kExited;
          found->attached = false;
        }
        break;
      case Kind::kRemoveContainer:
        if (found != containers.end()) containers.erase(found);
        break;
      case Kind::kDetachNetwork:
        life.host.network_present = false;
        for (auto& container : containers) container.attached = false;
        break;
      case Kind::kRemoveVolume:
        RC_ASSERT(life.row.state == DesiredState::kDeleted);
        RC_ASSERT(containers.empty());
        life.host.volume_present = life.host.volume_mounted = false;
        break;
      case Kind::kDeleteAgentRow:
        RC_ASSERT(containers.empty() && !life.host.network_present && !life.host.volume_present);
        life.row_exists = false;
        break;
      case Kind::kScheduleRestart:
        life.ended_at_once = 0;
        life.row.restarts = after_exit(rules.restart, life.row.restarts, now, 0.5);
        break;
      case Kind::kOpenCircuit:
        life.ended_at_once = 0;
        life.row.restarts.circuit_open = true;
        break;
      case Kind::kClearRetry:
        life.row.restarts.next_retry_at.reset();
        break;
      case Kind::kNoteHealthy:
        life.row.restarts.healthy_since = now;
        break;
      case Kind::kForgetBackoff:
        life.row.restarts = forgotten(life.row.restarts);
        break;
      case Kind::kSetStatus:
        life.row.status = action.status;
        life.row.status_reason = action.reason;
        break;
      case Kind::kEnsureImage:
        break;
    }
    return true;
  }

  void finish(Life& life, const Action& action) {
    RC_ASSERT(life.row.active.has_value());
    const ActiveDeployment done = *life.row.active;
    RC_ASSERT(may_move(done.state, action.to, done.rolling_back));
    life.row.active.reset();
    life.row.failure.clear();
    if (action.to == State::kLive) {
      life.row.settled = done.target;
      life.row.restarts = forgotten(life.row.restarts);
    }
    if (action.to == State::kFailed) {
      life.row.settled.reset();
      life.row.failure = action.reason;
    }
  }

  void check() {
    for (const auto& [id, life] : agents) {
      RC_ASSERT(life.host.containers.size() <= 1u);
      const bool runs = std::ranges::any_of(life.host.containers, [](const SeenContainer& c) {
        return c.state == ContainerState::kRunning;
      });
      const bool attached = std::ranges::any_of(life.host.containers, &SeenContainer::attached);
      RC_ASSERT(!attached || runs);
    }
  }

  // One pass. Each action fails, or the whole orchestrator dies, with a chance in a hundred.
  void pass(int fail_percent, int die_percent) {
    const Plan made = make_plan();
    std::map<AgentId, bool> stuck;
    for (const Action& action : made.actions) {
      if (stuck[action.agent]) continue;
      if (pick(100) < die_percent) return forget_memory();
      if (pick(100) < fail_percent || !execute(action)) {
        stuck[action.agent] = true;
        fail(action);
        continue;
      }
      agents.at(action.agent).host.failure.reset();
      check();
      // Or it dies just after, before anything is noted.
      if (pick(100) < die_percent) return forget_memory();
    }
  }

  void fail(const Action& action) {
    auto& failure = agents.at(action.agent).host.failure;
    const bool again = failure && failure->action == action.kind;
    failure = Failure{.action = action.kind,
                      .code = pick(4) == 0 ? Code::kInternal : Code::kUnavailable,
                      .text = "trouble",
                      .first_at = again ? failure->first_at : now,
                      .times = again ? failure->times + 1 : 1,
                      .retry_at = now + 1s};
  }

  // What only the process knew.
  void forget_memory() {
    shared.engine_up_since = now;
    for (auto& [id, life] : agents) {
      life.ended_at_once = 0;  // a new process takes such an exit for the engine's, once
      life.host.probe = {};
      life.host.failure.reset();
    }
  }

  // Time passes; containers come up, or end by themselves.
  void live(std::chrono::seconds time, int exit_percent) {
    now += time;
    for (auto& [id, life] : agents) {
      for (auto& container : life.host.containers) {
        if (container.state != ContainerState::kRunning) continue;
        if (pick(100) < exit_percent) {
          container.state = ContainerState::kExited;
          container.attached = false;
          container.exit_code = 1;
          life.host.network_present = pick(2) == 0;
          continue;
        }
        if (container.attached && life.comes_up[container.generation]) {
          life.host.probe.good_in_row += static_cast<int>(time / 1s);
          life.host.probe.ever_ready = true;
        }
      }
    }
  }

  // The machine starts again: only files and rows are left.
  void reboot() {
    forget_memory();
    for (auto& [id, life] : agents) {
      life.host.volume_mounted = false;
      life.host.network_present = false;
      for (auto& container : life.host.containers) {
        if (container.state == ContainerState::kRunning) container.state = ContainerState::kExited;
        container.attached = false;
      }
    }
  }

  // What customers do.
  void wish() {
    auto it = std::next(agents.begin(), pick(static_cast<int>(agents.size())));
    Life& life = it->second;
    if (!life.row_exists || life.row.state == DesiredState::kDeleted) return;
    switch (pick(6)) {
      case 0:
        life.row.state = DesiredState::kDeleted;
        life.row.active.reset();
        return;
      case 1:
        life.row.state = DesiredState::kStopped;
        life.row.active.reset();
        return;
      default:
        deploy(life, pick(3) == 0);
    }
  }

  void deploy(Life& life, bool same_generation) {
    std::int64_t newest = 0;
    for (const auto& [generation, good] : life.comes_up) newest = std::max(newest, generation);
    if (!same_generation || newest == 0) life.comes_up[++newest] = pick(3) != 0;
    const auto id = DeploymentId::random();
    life.row.state = DesiredState::kRunning;
    life.row.restarts = forgotten(life.row.restarts);
    life.ended_at_once = 0;
    life.row.active = ActiveDeployment{
        .id = id,
        .target = {.deployment = id, .generation = newest, .runtime = "probe"},
        .may_roll_back = life.row.settled && life.row.settled->generation != newest};
  }
};

World random_world() {
  World world;
  const int count = 1 + pick(4);
  for (int i = 0; i < count; ++i) {
    Life life;
    life.row.agent = life.host.agent = AgentId::random();
    const auto [it, fresh] = world.agents.emplace(life.row.agent, life);
    world.deploy(it->second, false);
  }
  return world;
}

void storm(World& world, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    if (pick(4) == 0) world.wish();
    if (pick(8) == 0) world.shared.network_ready = !world.shared.network_ready;
    if (pick(16) == 15) world.reboot();
    world.pass(8, 8);
    world.live(std::chrono::seconds(pick(40)), 10);
  }
}

// The agent's process ends before anything can be wired, every time.
RC_GTEST_PROP(PlanProperty, AnAgentThatAlwaysEndsAtOnceIsStartedTenTimesAndGivenUp, ()) {
  World world;
  const auto id = AgentId::random();
  Life life;
  life.row.agent = life.host.agent = id;
  life.row.settled = Target{.generation = 1};
  life.row.status = AgentStatus::kRunning;
  life.host.volume_present = life.host.volume_mounted = true;
  life.host.containers.push_back({.id = "c", .generation = 1});
  life.host.containers[0].state = ContainerState::kExited;
  life.host.containers[0].started_at = kStart;
  world.agents.emplace(id, life);
  int starts = 0;
  for (int second = 0; second < 3000; ++second) {
    world.now += 1s;
    for (const Action& action : world.make_plan().actions) {
      const bool attach = action.kind == Kind::kAttachNetwork;
      if (attach) break;  // nothing is there to be wired: the run ends
      world.execute(action);
      if (action.kind == Kind::kStartContainer) {
        ++starts;
        world.agents.at(id).host.containers[0].state = ContainerState::kExited;
      }
    }
  }
  RC_ASSERT(starts == 10);
  RC_ASSERT(world.agents.at(id).row.status == AgentStatus::kError);
}

RC_GTEST_PROP(PlanProperty, WhateverHappensTheInvariantsHold, ()) {
  World world = random_world();
  storm(world, 30);
}

RC_GTEST_PROP(PlanProperty, OnceTheTroubleEndsEveryAgentSettlesAndThePlanIsEmpty, ()) {
  World world = random_world();
  storm(world, 20);
  world.shared.network_ready = true;
  for (auto& [id, life] : world.agents) life.may_exit = false;
  for (int round = 0; round < 400; ++round) {
    world.pass(0, 0);
    world.live(30s, 0);
  }
  RC_ASSERT(world.make_plan().actions.empty());
  for (const auto& [id, life] : world.agents) {
    const auto& containers = life.host.containers;
    if (life.row.state == DesiredState::kDeleted) {
      RC_ASSERT(!life.row_exists);
      RC_ASSERT(containers.empty() && !life.host.network_present && !life.host.volume_present);
      continue;
    }
    RC_ASSERT(!life.row.active.has_value());
    if (life.row.state == DesiredState::kStopped) {
      RC_ASSERT(containers.empty() && !life.host.network_present);
      RC_ASSERT(life.row.status == AgentStatus::kStopped);
      continue;
    }
    if (life.row.status == AgentStatus::kRunning) {
      RC_ASSERT(containers.size() == 1u);
      RC_ASSERT(containers[0].state == ContainerState::kRunning && containers[0].attached);
      RC_ASSERT(containers[0].generation == life.row.settled->generation);
    } else {
      RC_ASSERT(life.row.status == AgentStatus::kError);
      RC_ASSERT(!life.row.status_reason.empty());
      RC_ASSERT(!life.host.network_present);
    }
  }
}

}  // namespace
}  // namespace deployclaw::domain
