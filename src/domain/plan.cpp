#include "domain/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace deployclaw::domain {
namespace {

using Kind = ActionKind;
using State = DeploymentState;

const ObservedAgent kNothing{};

// Starts under way, by runtime: a boot is the heaviest moment of an agent's life, so few may
// overlap.
class Slots {
 public:
  void occupy(const std::string& runtime) { ++used_[runtime]; }
  bool take(const Target& target) {
    int& used = used_[target.runtime];
    if (used >= target.parallel_starts) return false;
    ++used;
    return true;
  }

 private:
  std::map<std::string, int, std::less<>> used_;
};

const Target* target_of(const DesiredAgent& desired) {
  if (desired.active) return &desired.active->target;
  return desired.settled ? &*desired.settled : nullptr;
}

const SeenContainer* running_container(const ObservedAgent& seen) {
  for (const auto& container : seen.containers) {
    if (container.state == ContainerState::kRunning) return &container;
  }
  return nullptr;
}

bool is_booting(const DesiredAgent& desired, const ObservedAgent& seen, Time now) {
  const Target* target = target_of(desired);
  if (target == nullptr) return false;
  if (seen.busy) return desired.active.has_value() || desired.restarts.next_retry_at.has_value();
  const SeenContainer* container = running_container(seen);
  if (container == nullptr || seen.probe.ever_ready) return false;
  // Adopted by a new orchestrator: it was ready before.
  if (desired.status == AgentStatus::kRunning) return false;
  return !container->started_at || now - *container->started_at < target->ready_deadline;
}

// Plans one agent.
class Planner {
 public:
  Planner(const PlanRules& rules, const Observed& world, Slots& slots, Plan& out, Time now,
          const ObservedAgent& seen)
      : rules_(rules),
        world_(world),
        slots_(slots),
        out_(out),
        now_(now),
        seen_(seen),
        begin_(out.actions.size()) {}

  void forgotten_agent() {
    drop_network();
    for (const auto& container : seen_.containers) add(Kind::kRemoveContainer, container.id);
  }

  void wanted_agent(const DesiredAgent& desired) {
    desired_ = &desired;
    decide_agent();
    say_status();
  }

 private:
  void decide_agent() {
    if (desired_->state != DesiredState::kRunning) return take_down();
    if (waits_after_failure()) return;
    if (desired_->active) return drive(*desired_->active);
    if (!desired_->settled) return rest_failed();
    settle(*desired_->settled);
  }

  void add(Kind kind, std::string container = {}) {
    Action action{.agent = seen_.agent, .kind = kind, .container = std::move(container)};
    out_.actions.push_back(std::move(action));
  }
  void add_for(Kind kind, const Target& target, std::string container = {}) {
    Action action{.agent = seen_.agent,
                  .kind = kind,
                  .container = std::move(container),
                  .deployment = target.deployment,
                  .generation = target.generation};
    out_.actions.push_back(std::move(action));
  }
  void move(Kind kind, State to, std::string reason = {}) {
    Action action{.agent = seen_.agent,
                  .kind = kind,
                  .deployment = desired_->active->id,
                  .to = to,
                  .reason = std::move(reason)};
    out_.actions.push_back(std::move(action));
  }
  // The last word counts; said by say_status().
  void status(AgentStatus status, std::string reason) {
    status_ = {.agent = seen_.agent, .status = status, .reason = std::move(reason)};
  }
  // A beginning is told before the work, an end after it.
  void say_status() {
    if (!status_ ||
        (desired_->status == status_->status && desired_->status_reason == status_->reason)) {
      return;
    }
    const bool first = status_->status == AgentStatus::kProvisioning;
    const auto at = first ? static_cast<std::ptrdiff_t>(begin_)
                          : static_cast<std::ptrdiff_t>(out_.actions.size());
    out_.actions.insert(out_.actions.begin() + at, std::move(*status_));
  }
  void wake(Time at) {
    if (at > now_ && (!out_.wake_at || at < *out_.wake_at)) out_.wake_at = at;
  }

  void drop_network() {
    if (seen_.network_present) add(Kind::kDetachNetwork);
  }
  void drop(const SeenContainer& container) {
    if (container.state == ContainerState::kRunning) add(Kind::kStopContainer, container.id);
    add(Kind::kRemoveContainer, container.id);
  }
  void drop_all() {
    const bool had_network = seen_.network_present;
    for (const auto& container : seen_.containers) {
      if (container.state == ContainerState::kRunning) add(Kind::kStopContainer, container.id);
    }
    if (had_network) add(Kind::kDetachNetwork);
    for (const auto& container : seen_.containers) add(Kind::kRemoveContainer, container.id);
  }

  // Desired: stopped or deleted.
  void take_down() {
    if (desired_->active) move(Kind::kFinish, State::kCancelled, "no longer wanted");
    drop_all();
    if (desired_->state == DesiredState::kStopped) {
      if (desired_->restarts.next_retry_at) add(Kind::kClearRetry);
      return status(AgentStatus::kStopped, "");
    }
    if (seen_.volume_present) add(Kind::kRemoveVolume);
    add(Kind::kDeleteAgentRow);
  }

  // The last deployment failed and nothing else is wanted: nothing may run.
  void rest_failed() {
    drop_all();
    if (!desired_->failure.empty()) status(AgentStatus::kError, desired_->failure);
  }

  // True when the last action failed and it is not yet time to try again.
  bool waits_after_failure() {
    if (!seen_.failure) return false;
    if (desired_->active && is_final(*seen_.failure, rules_, now_)) return false;
    if (seen_.failure->retry_at <= now_) return false;
    // The status is left alone where it says more: a circuit that is open stays so.
    if (!desired_->restarts.circuit_open) {
      status(AgentStatus::kProvisioning, "waiting: " + seen_.failure->text);
    }
    wake(seen_.failure->retry_at);
    return true;
  }

  // The one container to go on with; every other is taken away. A live candidate is one of the
  // wanted generation; of several the running one is kept.
  const SeenContainer* keep_one(std::int64_t generation) {
    const SeenContainer* kept = nullptr;
    for (const auto& container : seen_.containers) {
      if (container.generation != generation || container.state == ContainerState::kDead) continue;
      if (kept == nullptr || (container.state == ContainerState::kRunning &&
                              kept->state != ContainerState::kRunning)) {
        kept = &container;
      }
    }
    // The network is the running container's; when that one goes, or none runs, it goes too.
    const bool in_use = kept != nullptr && kept->state == ContainerState::kRunning;
    for (const auto& container : seen_.containers) {
      if (&container != kept && container.state == ContainerState::kRunning) {
        add(Kind::kStopContainer, container.id);
      }
    }
    if (!in_use) drop_network();
    for (const auto& container : seen_.containers) {
      if (&container != kept) add(Kind::kRemoveContainer, container.id);
    }
    return kept;
  }

  // Volume, config and container, as far as they are missing.
  void prepare(const Target& target, const SeenContainer* container) {
    if (container == nullptr || !seen_.volume_mounted) add_for(Kind::kEnsureVolume, target);
    add_for(Kind::kWriteConfig, target);
    if (container == nullptr) add_for(Kind::kCreateContainer, target);
  }

  // Starts and wires up, if it is allowed now. False: it was not, and the status says why.
  bool launch(const Target& target, const SeenContainer* container) {
    if (!world_.network_ready) {
      status(AgentStatus::kProvisioning, "waiting: " + world_.network_trouble);
      return false;
    }
    if (!slots_.take(target)) {
      status(AgentStatus::kProvisioning, "waiting: other agents are starting");
      return false;
    }
    // Before the start: an agent that ends at once must find its next exit scheduled anew, not be
    // started again and again by a retry that was never struck off.
    if (!desired_->active && desired_->restarts.next_retry_at) add(Kind::kClearRetry);
    const std::string id = container == nullptr ? "" : container->id;
    add_for(Kind::kStartContainer, target, id);
    add_for(Kind::kAttachNetwork, target, id);
    return true;
  }

  bool died_with_engine(const SeenContainer& container) const {
    return container.started_at && *container.started_at < world_.engine_up_since;
  }

  // ---- an active deployment

  void drive(const ActiveDeployment& active) {
    if (seen_.failure && is_final(*seen_.failure, rules_, now_)) {
      return give_up(active, seen_.failure->text);
    }
    status(AgentStatus::kProvisioning, "");
    State state = active.state;
    if (state == State::kQueued) {
      move(Kind::kAdvance, State::kPulling);
      state = State::kPulling;
    }
    const SeenContainer* container = nullptr;
    if (state == State::kPulling) {
      add_for(Kind::kEnsureImage, active.target);
      // Whatever is there belongs to the past, even if it bears the same generation (a restart).
      // Not so in a rollback: then the wanted generation is the previous container, untouched.
      container = active.rolling_back ? keep_one(active.target.generation) : (drop_all(), nullptr);
      move(Kind::kAdvance, State::kCreating);
      state = State::kCreating;
    } else {
      container = keep_one(active.target.generation);
    }
    bring_up(active, state, container);
  }

  void bring_up(const ActiveDeployment& active, State state, const SeenContainer* container) {
    const bool fresh = container == nullptr || container->state == ContainerState::kCreated;
    const bool ended = container != nullptr && container->state == ContainerState::kExited;
    if (ended && !died_with_engine(*container)) {
      return give_up(active, judge(rules_.verdict, trial(active.target, *container), now_).reason);
    }
    if (fresh || ended) prepare(active.target, container);
    if (state == State::kCreating) {
      move(Kind::kAdvance, State::kStarting);
      state = State::kStarting;
    }
    if (fresh || ended) {
      if (!launch(active.target, container)) return;
    } else if (!container->attached) {
      if (!attach(active.target, *container)) return;
    }
    if (state == State::kStarting) return move(Kind::kAdvance, State::kVerifying);
    if (fresh || ended) return;
    decide(active, *container);
  }

  bool attach(const Target& target, const SeenContainer& container) {
    if (!world_.network_ready) {
      status(AgentStatus::kProvisioning, "waiting: " + world_.network_trouble);
      return false;
    }
    add_for(Kind::kAttachNetwork, target, container.id);
    return true;
  }

  Trial trial(const Target& target, const SeenContainer& container) const {
    return {.running = container.state == ContainerState::kRunning,
            .oom_killed = container.oom_killed,
            .exit_code = container.exit_code,
            .started_at = container.started_at,
            .deadline = target.ready_deadline,
            .probe = seen_.probe};
  }

  void decide(const ActiveDeployment& active, const SeenContainer& container) {
    const Judgement judgement = judge(rules_.verdict, trial(active.target, container), now_);
    if (judgement.verdict == Verdict::kFailed) return give_up(active, judgement.reason);
    if (judgement.verdict == Verdict::kLive) {
      move(Kind::kFinish, active.rolling_back ? State::kRolledBack : State::kLive, active.failure);
      return status(AgentStatus::kRunning,
                    active.rolling_back ? "the previous version runs: " + active.failure : "");
    }
    if (container.started_at) {
      wake(*container.started_at + active.target.ready_deadline);
      if (seen_.probe.good_in_row >= rules_.verdict.good_probes) {
        wake(*container.started_at + rules_.verdict.steady);
      }
    }
  }

  void give_up(const ActiveDeployment& active, const std::string& reason) {
    if (active.may_roll_back && !active.rolling_back) {
      return move(Kind::kBeginRollback, State::kPulling, reason);
    }
    std::string whole = reason;
    if (active.rolling_back) {
      whole = fmt::format("{}; bringing the previous version back failed too: {}", active.failure,
                          reason);
    }
    move(Kind::kFinish, State::kFailed, whole);
    drop_all();
    status(AgentStatus::kError, whole);
  }

  // ---- no deployment: keep the settled generation running

  void settle(const Target& target) {
    const RestartMemory& memory = desired_->restarts;
    const SeenContainer* container = keep_one(target.generation);
    if (memory.circuit_open) {
      if (container != nullptr && container->state == ContainerState::kRunning) {
        add(Kind::kStopContainer, container->id);
        drop_network();
      }
      return;
    }
    if (container != nullptr && container->state == ContainerState::kRunning) {
      return keep_running(target, *container);
    }
    if (memory.next_retry_at && *memory.next_retry_at > now_) return wake(*memory.next_retry_at);
    if (container != nullptr && container->state == ContainerState::kExited &&
        !memory.next_retry_at && !died_with_engine(*container)) {
      return schedule(describe_exit(container->exit_code, container->oom_killed), container->id);
    }
    prepare(target, container);
    launch(target, container);
  }

  void keep_running(const Target& target, const SeenContainer& container) {
    const RestartMemory& memory = desired_->restarts;
    if (memory.next_retry_at) add(Kind::kClearRetry);
    if (!container.attached && !attach(target, container)) return;
    const bool overdue = !seen_.probe.ever_ready && container.started_at &&
                         desired_->status != AgentStatus::kRunning &&
                         now_ - *container.started_at >= target.ready_deadline;
    if (overdue || (seen_.probe.bad_in_row >= rules_.bad_probes &&
                    (seen_.probe.ever_ready || desired_->status == AgentStatus::kRunning))) {
      schedule("stopped answering its health probe: " + seen_.probe.last, container.id);
      add(Kind::kStopContainer, container.id);
      return drop_network();
    }
    if (!seen_.probe.ever_ready) {
      if (desired_->status != AgentStatus::kRunning && container.started_at) {
        wake(*container.started_at + target.ready_deadline);
      }
      return;
    }
    if (!memory.healthy_since) add(Kind::kNoteHealthy);
    if (may_reset(rules_.restart, memory, now_)) add(Kind::kForgetBackoff);
    // A reason that a rollback left stays until the next deployment.
    if (desired_->status != AgentStatus::kRunning) status(AgentStatus::kRunning, "");
  }

  // The container ended, or must end: start it again later, or give up.
  void schedule(std::string reason, const std::string& container) {
    reason = "the agent " + reason;
    Action action{.agent = seen_.agent, .kind = Kind::kScheduleRestart, .container = container};
    if (opens_circuit(rules_.restart, desired_->restarts, now_)) {
      action.kind = Kind::kOpenCircuit;
      reason = fmt::format(
          "given up after {} restarts in {} minutes: {}", rules_.restart.circuit_restarts,
          std::chrono::duration_cast<std::chrono::minutes>(rules_.restart.circuit_window).count(),
          reason);
      status(AgentStatus::kError, reason);
    } else {
      status(AgentStatus::kProvisioning, "restarting: " + reason);
    }
    action.reason = std::move(reason);
    out_.actions.push_back(std::move(action));
  }

  const PlanRules& rules_;
  const Observed& world_;
  Slots& slots_;
  Plan& out_;
  Time now_;
  const ObservedAgent& seen_;
  const std::size_t begin_;  // where this agent's actions begin
  const DesiredAgent* desired_ = nullptr;
  std::optional<Action> status_;
};

// Calls `visit(desired or null, observed or null)` for every agent of either list.
template <class Visit>
void merge(const Desired& desired, const Observed& observed, Visit visit) {
  auto want = desired.agents.begin();
  auto seen = observed.agents.begin();
  while (want != desired.agents.end() || seen != observed.agents.end()) {
    const bool take_want = want != desired.agents.end() &&
                           (seen == observed.agents.end() || want->agent <= seen->agent);
    const bool take_seen = seen != observed.agents.end() &&
                           (want == desired.agents.end() || seen->agent <= want->agent);
    visit(take_want ? &*want : nullptr, take_seen ? &*seen : nullptr);
    if (take_want) ++want;
    if (take_seen) ++seen;
  }
}

}  // namespace

bool is_final(const Failure& failure, const PlanRules& rules, Time now) {
  const bool outage = failure.code == Code::kUnavailable || failure.code == Code::kTimeout ||
                      failure.code == Code::kCancelled;
  const bool overdue = now - failure.first_at >= rules.patience;
  switch (failure.action) {
    case Kind::kEnsureImage:
    case Kind::kCreateContainer:
      // Name in use: another look will tell what is there.
      return overdue || (!outage && (failure.code != Code::kConflict || failure.times >= 5));
    case Kind::kEnsureVolume:  // a full disk says kUnavailable; it will not go away by waiting
      return true;
    case Kind::kWriteConfig:
    case Kind::kStartContainer:
      return overdue || !outage;
    case Kind::kAttachNetwork:  // often just a container that ended meanwhile
      return overdue || failure.times >= 5;
    default:
      return overdue;
  }
}

Plan plan(const PlanRules& rules, const Desired& desired, const Observed& observed, Time now) {
  Plan out;
  Slots slots;
  merge(desired, observed, [&](const DesiredAgent* want, const ObservedAgent* seen) {
    if (want != nullptr && seen != nullptr && is_booting(*want, *seen, now)) {
      slots.occupy(target_of(*want)->runtime);
    }
  });
  merge(desired, observed, [&](const DesiredAgent* want, const ObservedAgent* seen) {
    if (seen != nullptr && seen->busy) return;
    if (want == nullptr) {
      return Planner(rules, observed, slots, out, now, *seen).forgotten_agent();
    }
    if (seen != nullptr) {
      return Planner(rules, observed, slots, out, now, *seen).wanted_agent(*want);
    }
    ObservedAgent absent = kNothing;
    absent.agent = want->agent;
    Planner(rules, observed, slots, out, now, absent).wanted_agent(*want);
  });
  return out;
}

}  // namespace deployclaw::domain
