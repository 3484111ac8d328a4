#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace deployclaw::domain {

// When an agent whose container ended is started again. The engine's own policy is not used: it
// forgets its backoff after ten seconds of life.
struct RestartPolicy {
  std::chrono::microseconds first_delay = std::chrono::seconds(1);
  std::chrono::microseconds longest_delay = std::chrono::minutes(5);
  double jitter = 0.2;  // each delay is off by at most this part
  std::chrono::microseconds healthy_reset = std::chrono::minutes(10);
  std::size_t circuit_restarts = 10;
  std::chrono::microseconds circuit_window = std::chrono::minutes(10);
};

// What has to be remembered of an agent's restarts; stored with its observation.
struct RestartMemory {
  std::int64_t total = 0;  // restarts since the agent was created
  int step = 0;            // how often the delay has doubled
  // Recent restarts on the agent's own clock, which stands still while we hold a start back:
  // otherwise the delays alone would stretch any ten restarts over more than ten minutes, and the
  // circuit could never open.
  std::vector<Time> recent = {};
  std::optional<Time> next_retry_at = {};  // set while a start is held back
  std::optional<Time> healthy_since = {};
  bool circuit_open = false;  // given up until a person deploys, starts or restarts it

  bool operator==(const RestartMemory&) const = default;
};

// The delay of step 0, 1, 2, …: first × 2^step, at most `longest_delay`, times a factor between
// 1 - jitter and 1 + jitter that `unit` (0 to 1) picks.
std::chrono::microseconds restart_delay(const RestartPolicy& policy, int step, double unit);

// True when one more exit is one too many.
bool opens_circuit(const RestartPolicy& policy, const RestartMemory& memory, Time now);

// The memory after the container ended at `now`: either next_retry_at is set, or the circuit is
// open. `unit` (0 to 1) is the jitter's randomness.
RestartMemory after_exit(const RestartPolicy& policy, RestartMemory memory, Time now, double unit);

// True when the agent has been healthy for long enough to forget its backoff.
bool may_reset(const RestartPolicy& policy, const RestartMemory& memory, Time now);
// The memory after such a reset, or after a person's deployment: the total alone stays.
RestartMemory forgotten(const RestartMemory& memory);

}  // namespace deployclaw::domain
