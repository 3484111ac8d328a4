#include "orchestrator/executor.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/random.hpp"

namespace deployclaw::orchestrator {

using namespace std::chrono_literals;
using Kind = domain::ActionKind;
using State = domain::DeploymentState;

Run::Run(Workshop& shop, domain::DesiredAgent desired, domain::ObservedAgent seen)
    : shop_(shop),
      desired_(std::move(desired)),
      seen_(std::move(seen)),
      memory_(shop.memories[seen_.agent]) {
  if (desired_.active) state_ = desired_.active->state;
  restarting_ = !desired_.active && desired_.restarts.next_retry_at.has_value();
  outage_ = seen_.failure &&
            (seen_.failure->code == Code::kUnavailable || seen_.failure->code == Code::kTimeout) &&
            seen_.failure->action != Kind::kEnsureVolume;
}

namespace {

double random_unit() {
  unsigned char bytes[4];
  random_bytes(bytes);
  const unsigned value = bytes[0] | (unsigned{bytes[1]} << 8U) | (unsigned{bytes[2]} << 16U) |
                         (unsigned{bytes[3]} << 24U);
  return static_cast<double>(value) / 4294967295.0;
}

}  // namespace

Task<void> Run::execute(std::vector<domain::Action> actions) {
  if (desired_.active) {
    const auto claimed = co_await claim();
    if (!claimed) note_failure(Kind::kAdvance, claimed.error());
    if (!claimed || !*claimed) co_return;
  }
  for (auto& action : actions) {
    if (!shop_.lease.held()) co_return;
    const Kind kind = action.kind;
    if (shop_.config.fault_point) shop_.config.fault_point(kind, false);
    const auto done = co_await perform(std::move(action));
    shop_.metrics.count_action(kind, !done);
    if (!done) {
      // Cancelled: we are being stopped, nothing is wrong.
      if (done.error().code != Code::kCancelled) note_failure(kind, done.error());
      co_return;
    }
    if (shop_.config.fault_point) shop_.config.fault_point(kind, true);
    if (!*done) co_return;
    if (memory_.failure && memory_.failure->action == kind) memory_.failure.reset();
  }
  memory_.failure.reset();
}

void Run::note_failure(Kind kind, const Error& error) {
  const Time now = shop_.parts.clock.now();
  const DeploymentId met_for = desired_.active ? desired_.active->id : DeploymentId();
  const bool again =
      memory_.failure && memory_.failure->action == kind && memory_.failure_of == met_for;
  domain::Failure failure{.action = kind, .code = error.code, .text = error.message};
  failure.first_at = again ? memory_.failure->first_at : now;
  failure.times = again ? memory_.failure->times + 1 : 1;
  failure.retry_at =
      now + std::min<std::chrono::microseconds>(30s, 500ms * (1 << std::min(failure.times, 7)));
  log::warn("action failed", {{"agent", seen_.agent.to_string()},
                              {"action", domain::to_string(kind)},
                              {"times", failure.times},
                              {"error", error.message}});
  memory_.failure = std::move(failure);
  memory_.failure_of = met_for;
}

Task<Run::Progress> Run::perform(domain::Action action) {
  switch (action.kind) {
    case Kind::kAdvance:
      return advance(action.to);
    case Kind::kBeginRollback:
      return begin_rollback(std::move(action.reason));
    case Kind::kFinish:
      return finish(action.to, std::move(action.reason));
    case Kind::kDeleteAgentRow:
      return delete_row();
    case Kind::kAttachNetwork:
      return attach_network(std::move(action.container));
    default:
      break;
  }
  return apply(std::move(action));
}

Task<Run::Progress> Run::apply(domain::Action a) {
  // What is made is made from the spec of the deployment that the action names.
  if (!a.deployment.is_nil()) {
    auto loaded = co_await load(a.deployment, a.generation);
    if (!loaded) co_return std::unexpected(loaded.error());
  }
  auto& parts = shop_.parts;
  const Time now = parts.clock.now();
  auto memory = desired_.restarts;
  Status done;
  switch (a.kind) {
    case Kind::kEnsureImage:
      done = co_await ensure_image();
      break;
    case Kind::kEnsureVolume:
      done = co_await ensure_volume();
      break;
    case Kind::kWriteConfig:
      done = co_await write_config();
      break;
    case Kind::kCreateContainer:
      done = co_await create_container();
      break;
    case Kind::kStartContainer:
      done = co_await start_container(a.container);
      break;
    case Kind::kStopContainer:
      co_await begin_step("stop");
      done = co_await parts.runtime.stop(a.container);
      break;
    case Kind::kRemoveContainer:
      done = co_await remove_container(a.container);
      break;
    case Kind::kDetachNetwork:
      done = co_await detach_network();
      break;
    case Kind::kRemoveVolume:
      done = co_await parts.volumes.remove(seen_.agent);
      break;
    case Kind::kScheduleRestart:
      memory = domain::after_exit(shop_.config.rules.restart, memory, now, random_unit());
      done = co_await save(std::move(memory));
      break;
    case Kind::kOpenCircuit:
      done = co_await open_circuit(a.reason);
      break;
    case Kind::kClearRetry:
      memory.next_retry_at.reset();
      done = co_await save(std::move(memory));
      break;
    case Kind::kNoteHealthy:
      memory.healthy_since = now;
      done = co_await save(std::move(memory));
      break;
    case Kind::kForgetBackoff:
      memory = domain::forgotten(memory);
      done = co_await save(std::move(memory));
      break;
    case Kind::kSetStatus:
      done = co_await store::set_agent_status(parts.db, seen_.agent, a.status, a.reason);
      break;
    default:
      done = fail(Code::kInternal, "no such action");
  }
  if (!done) co_return std::unexpected(done.error());
  co_return true;
}

}  // namespace deployclaw::orchestrator
