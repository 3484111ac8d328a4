#include "domain/backoff.hpp"

#include <algorithm>

namespace deployclaw::domain {

std::chrono::microseconds restart_delay(const RestartPolicy& policy, int step, double unit) {
  auto delay = policy.first_delay;
  for (int i = 0; i < step && delay < policy.longest_delay; ++i) delay *= 2;
  delay = std::min(delay, policy.longest_delay);
  const double factor = 1.0 + policy.jitter * (2.0 * std::clamp(unit, 0.0, 1.0) - 1.0);
  return std::chrono::microseconds(
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * factor));
}

bool opens_circuit(const RestartPolicy& policy, const RestartMemory& memory, Time now) {
  const auto recent =
      std::ranges::count_if(memory.recent, [&](Time t) { return t > now - policy.circuit_window; });
  return static_cast<std::size_t>(recent) >= policy.circuit_restarts;
}

RestartMemory after_exit(const RestartPolicy& policy, RestartMemory memory, Time now, double unit) {
  memory.healthy_since.reset();
  memory.next_retry_at.reset();
  if (opens_circuit(policy, memory, now)) {
    memory.circuit_open = true;
    return memory;
  }
  std::erase_if(memory.recent, [&](Time t) { return t <= now - policy.circuit_window; });
  const auto delay = restart_delay(policy, memory.step, unit);
  for (Time& restart : memory.recent) restart += delay;
  memory.next_retry_at = now + delay;
  memory.recent.push_back(now + delay);
  if (policy.first_delay * (std::int64_t{1} << std::min(memory.step, 30)) < policy.longest_delay) {
    ++memory.step;
  }
  ++memory.total;
  return memory;
}

bool may_reset(const RestartPolicy& policy, const RestartMemory& memory, Time now) {
  return memory.healthy_since && *memory.healthy_since <= now - policy.healthy_reset &&
         (memory.step > 0 || !memory.recent.empty());
}

RestartMemory forgotten(const RestartMemory& memory) {
  RestartMemory fresh;
  fresh.total = memory.total;
  fresh.healthy_since = memory.healthy_since;
  return fresh;
}

}  // namespace deployclaw::domain
