#include "domain/deployment.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace deployclaw::domain {
namespace {

using State = DeploymentState;

constexpr std::array<std::pair<State, std::string_view>, 9> kNames{{
    {State::kQueued, "queued"},
    {State::kPulling, "pulling"},
    {State::kCreating, "creating"},
    {State::kStarting, "starting"},
    {State::kVerifying, "verifying"},
    {State::kLive, "live"},
    {State::kFailed, "failed"},
    {State::kRolledBack, "rolled_back"},
    {State::kCancelled, "cancelled"},
}};

}  // namespace

std::string_view to_string(DeploymentState state) {
  for (const auto& [value, name] : kNames) {
    if (value == state) return name;
  }
  return "failed";
}

std::optional<DeploymentState> parse_deployment_state(std::string_view text) {
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

bool is_active(DeploymentState state) { return state <= State::kVerifying; }

bool may_move(DeploymentState from, DeploymentState to, bool rolling_back) {
  if (!is_active(from)) return false;
  switch (to) {
    case State::kQueued:
      return false;
    case State::kPulling:  // the first step, or the beginning of a rollback
      return from == State::kQueued || rolling_back;
    case State::kCreating:
      return from == State::kPulling;
    case State::kStarting:
      return from == State::kCreating;
    case State::kVerifying:
      return from == State::kStarting;
    case State::kLive:
      return from == State::kVerifying && !rolling_back;
    case State::kRolledBack:
      return from == State::kVerifying && rolling_back;
    case State::kFailed:
    case State::kCancelled:
      return true;
  }
  return false;
}

std::string describe_exit(std::int32_t exit_code, bool oom_killed) {
  if (oom_killed) return "ran out of memory and was killed";
  if (exit_code > 128 && exit_code < 193) {
    return fmt::format("was killed (signal {}, exit code {})", exit_code - 128, exit_code);
  }
  return fmt::format("exited with code {}", exit_code);
}

Judgement judge(const VerdictRules& rules, const Trial& trial, Time now) {
  if (!trial.running) {
    return {Verdict::kFailed, fmt::format("the agent {} before it was ready",
                                          describe_exit(trial.exit_code, trial.oom_killed))};
  }
  const auto age = trial.started_at ? now - *trial.started_at : std::chrono::microseconds(0);
  if (trial.probe.good_in_row >= rules.good_probes && age >= rules.steady) {
    return {Verdict::kLive};
  }
  if (age < trial.deadline) return {Verdict::kPending};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(trial.deadline).count();
  return {Verdict::kFailed,
          fmt::format("the agent was not ready within {} s; last probe: {}", seconds,
                      trial.probe.last.empty() ? "none was answered" : trial.probe.last)};
}

}  // namespace deployclaw::domain
