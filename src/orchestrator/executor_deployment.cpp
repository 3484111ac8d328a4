// The part of a run that moves the deployment's row.
#include <boost/json/object.hpp>
#include <utility>

#include "audit/append.hpp"
#include "base/log.hpp"
#include "docker/frames.hpp"
#include "orchestrator/executor.hpp"
#include "store/orchestrator_observations.hpp"

namespace deployclaw::orchestrator {
namespace json = boost::json;

using namespace std::chrono_literals;
using State = domain::DeploymentState;

namespace {
constexpr std::size_t kOutputLines = 50;
constexpr std::size_t kMostOutputBytes = 64 * 1024;
}  // namespace

Task<Run::Progress> Run::claim() {
  const auto id = desired_.active->id;
  auto steps =
      co_await store::claim_deployment(shop_.parts.db, id, shop_.lease.owner(), shop_.config.lease);
  if (!steps) co_return std::unexpected(steps.error());
  if (!*steps) {
    // Another process still holds it, or it was overtaken: look again in a moment.
    memory_.hold_until = shop_.parts.clock.now() + 500ms;
    co_return false;
  }
  if (memory_.steps_of != id) {
    memory_.steps_of = id;
    memory_.steps = Steps(std::move(**steps), shop_.parts.clock.now());
  }
  co_return true;
}

Task<void> Run::begin_step(std::string name) {
  if (!desired_.active) co_return;
  if (!memory_.steps.begin(name, shop_.parts.clock.now())) co_return;
  store::DeploymentChange change{.id = desired_.active->id,
                                 .owner = shop_.lease.owner(),
                                 .from = state_,
                                 .to = state_,
                                 .steps = memory_.steps.json()};
  // For the reader only; what counts is written with the next move.
  const auto written = co_await store::advance_deployment(shop_.parts.db, std::move(change));
  if (!written) log::debug("step not recorded", {{"error", written.error().message}});
}

Task<Run::Progress> Run::advance(State to) {
  if (!domain::may_move(state_, to, desired_.active->rolling_back)) {
    co_return fail(Code::kInternal, "an illegal move of a deployment");
  }
  const Time now = shop_.parts.clock.now();
  if (to == State::kPulling) {
    // A person's wish: what happened before does not count against it.
    desired_.restarts = domain::forgotten(desired_.restarts);
    desired_.restarts.healthy_since.reset();
    auto saved = co_await save(desired_.restarts);
    if (!saved) co_return std::unexpected(saved.error());
  }
  if (to == State::kVerifying) memory_.steps.begin("verify", now);
  store::DeploymentChange change{.id = desired_.active->id,
                                 .owner = shop_.lease.owner(),
                                 .from = state_,
                                 .to = to,
                                 .steps = memory_.steps.json()};
  const auto moved = co_await store::advance_deployment(shop_.parts.db, std::move(change));
  if (!moved) co_return std::unexpected(moved.error());
  if (*moved) state_ = to;
  co_return *moved;
}

Task<store::Outcome> Run::gather_outcome(std::string reason) {
  store::Outcome outcome{.reason = std::move(reason)};
  const std::int64_t generation = desired_.active->target.generation;
  for (const auto& container : seen_.containers) {
    // The container of another generation has no part in this failure.
    if (container.generation != generation || !container.started_at) continue;
    if (container.state == domain::ContainerState::kExited) {
      outcome.exit_code = container.exit_code;
      const auto* runtime = shop_.parts.catalogue.find(desired_.active->target.runtime, true);
      const std::string meaning =
          runtime == nullptr ? "" : runtime->describe_exit(container.exit_code);
      if (!meaning.empty()) outcome.reason += " (" + meaning + ")";
    }
    auto lines = co_await shop_.parts.runtime.tail_logs(container.id, kOutputLines);
    if (!lines) continue;
    std::string text;
    // Read in many places, none of which draws colours.
    for (const auto& line : *lines) text += docker::plain_text(line.text) + "\n";
    if (text.size() > kMostOutputBytes) text.erase(0, text.size() - kMostOutputBytes);
    while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0U) == 0x80U)
      text.erase(0, 1);
    outcome.last_output = std::move(text);
  }
  co_return outcome;
}

audit::Event Run::event(std::string type, std::string outcome, json::object metadata) const {
  audit::Event event;
  event.client = desired_.client;
  event.agent = desired_.agent;
  event.actor_type = "system";
  event.actor_id = "orchestrator";
  event.action_type = std::move(type);
  event.target = desired_.agent.to_string();
  event.outcome = std::move(outcome);
  event.metadata = std::move(metadata);
  return event;
}

Task<Run::Progress> Run::begin_rollback(std::string reason) {
  auto outcome = co_await gather_outcome(std::move(reason));
  const Time now = shop_.parts.clock.now();
  memory_.steps.end(outcome.reason, now);
  memory_.steps.begin("rollback", now);
  store::DeploymentChange change{.id = desired_.active->id,
                                 .owner = shop_.lease.owner(),
                                 .from = state_,
                                 .to = State::kPulling,
                                 .steps = memory_.steps.json()};
  auto tx = co_await shop_.parts.db.begin();
  if (!tx) co_return std::unexpected(tx.error());
  const auto moved = co_await store::begin_rollback(*tx, std::move(change), std::move(outcome));
  if (!moved) co_return std::unexpected(moved.error());
  if (!*moved) co_return false;
  auto committed = co_await tx->commit();
  if (!committed) co_return std::unexpected(committed.error());
  memory_.failure.reset();
  // The next plan knows what to bring back.
  co_return false;
}

Task<Run::Progress> Run::finish(State to, std::string reason) {
  const bool failed = to == State::kFailed;
  store::Outcome outcome{.reason = to == State::kLive ? "" : reason};
  if (failed) {
    outcome = co_await gather_outcome(std::move(reason));
  }
  const Time now = shop_.parts.clock.now();
  if (failed && outage_) memory_.steps.begin("environment", now);
  memory_.steps.end(failed ? outcome.reason : "", now);
  json::object metadata{{"deployment", desired_.active->id.to_string()},
                        {"generation", desired_.active->target.generation}};
  if (!outcome.reason.empty()) metadata["reason"] = outcome.reason;
  if (outcome.exit_code) metadata["exitCode"] = *outcome.exit_code;
  if (to == State::kRolledBack) metadata["rolledBack"] = true;

  store::DeploymentChange change{.id = desired_.active->id,
                                 .owner = shop_.lease.owner(),
                                 .from = state_,
                                 .to = to,
                                 .steps = memory_.steps.json()};
  auto tx = co_await shop_.parts.db.begin();
  if (!tx) co_return std::unexpected(tx.error());
  const auto moved = co_await store::finish_deployment(*tx, std::move(change), std::move(outcome));
  if (!moved) co_return std::unexpected(moved.error());
  // A cancelled deployment may have been ended by the api already.
  if (!*moved) co_return to == State::kCancelled;
  if (to != State::kCancelled) {
    auto record = to == State::kLive ? event("agent_deployed", "success", std::move(metadata))
                                     : event("deployment_failed", "failure", std::move(metadata));
    auto appended = co_await audit::append(*tx, std::move(record));
    if (!appended) co_return std::unexpected(appended.error());
  }
  auto committed = co_await tx->commit();
  if (!committed) co_return std::unexpected(committed.error());
  memory_.failure.reset();
  log::info("deployment ended", {{"agent", desired_.agent.to_string()},
                                 {"deployment", desired_.active->id.to_string()},
                                 {"state", domain::to_string(to)}});
  co_return true;
}

Task<Run::Progress> Run::delete_row() {
  auto tx = co_await shop_.parts.db.begin();
  if (!tx) co_return std::unexpected(tx.error());
  const auto name = co_await store::delete_agent(*tx, desired_.agent);
  if (!name) co_return std::unexpected(name.error());
  if (!*name) co_return false;
  json::object metadata{{"name", **name}};
  auto record = event("agent_removed", "success", std::move(metadata));
  auto appended = co_await audit::append(*tx, std::move(record));
  if (!appended) co_return std::unexpected(appended.error());
  auto committed = co_await tx->commit();
  if (!committed) co_return std::unexpected(committed.error());
  co_return true;
}

Task<Status> Run::save(domain::RestartMemory memory) {
  desired_.restarts = memory;
  return store::save_restarts(shop_.parts.db, desired_.agent, desired_.client, std::move(memory));
}

Task<Status> Run::open_circuit(std::string reason) {
  auto memory = desired_.restarts;
  memory.next_retry_at.reset();
  memory.healthy_since.reset();
  auto saved = co_await save(std::move(memory));
  if (!saved) co_return saved;
  json::object metadata{{"reason", reason}};
  std::vector<audit::Event> events;
  events.push_back(event("circuit_opened", "failure", std::move(metadata)));
  auto appended = co_await audit::append(shop_.parts.db, std::move(events));
  co_return appended;
}

}  // namespace deployclaw::orchestrator
