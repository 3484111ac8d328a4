#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace deployclaw::domain {

// A deployment's life. Up to kVerifying it is active (one per agent at most); the rest is final.
enum class DeploymentState : std::uint8_t {
  kQueued,      // nobody works on it yet
  kPulling,     // making sure of the image and that the previous container is gone
  kCreating,    // no container of an earlier generation is left; volume, config, container
  kStarting,    // the container exists
  kVerifying,   // it runs and is wired up; the probes decide
  kLive,        // good
  kFailed,      // not good, and there was nothing to go back to, or that failed too
  kRolledBack,  // not good; the previous generation runs again
  kCancelled,   // overtaken by a newer wish
};

std::string_view to_string(DeploymentState state);
std::optional<DeploymentState> parse_deployment_state(std::string_view text);
bool is_active(DeploymentState state);

// The legal moves. A rollback re-uses the row: from any active state it goes back to kPulling with
// `rolling_back` set, and then ends in kRolledBack or kFailed, never in kLive.
bool may_move(DeploymentState from, DeploymentState to, bool rolling_back);

// What the probes have seen of one start of a container.
struct ProbeState {
  int good_in_row = 0;
  int bad_in_row = 0;
  bool ever_ready = false;
  std::string last = {};  // "/readyz answered 503", for people
};

struct VerdictRules {
  int good_probes = 3;
  std::chrono::microseconds steady = std::chrono::seconds(10);  // running without a restart
};

// What the verdict is made of.
struct Trial {
  bool running = false;
  bool oom_killed = false;
  std::int32_t exit_code = 0;            // when not running
  std::optional<Time> started_at = {};   // of this start
  std::chrono::microseconds deadline{};  // the runtime's, from the start to readiness
  ProbeState probe = {};
};

enum class Verdict : std::uint8_t { kPending, kLive, kFailed };

struct Judgement {
  Verdict verdict = Verdict::kPending;
  std::string reason = {};  // why it failed, for the customer
};

// Live: enough good probes in a row and enough time without a restart. Failed: ended by itself, or
// not live when its deadline has passed.
Judgement judge(const VerdictRules& rules, const Trial& trial, Time now);

// "exited with code 3", "ran out of memory and was killed", "was killed (signal 9)".
std::string describe_exit(std::int32_t exit_code, bool oom_killed);

}  // namespace deployclaw::domain
