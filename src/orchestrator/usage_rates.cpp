#include "orchestrator/usage_rates.hpp"

namespace deployclaw::orchestrator {

std::optional<store::MeasuredUsage> usage_between(const UsageReading& before,
                                                  const UsageReading& after) {
  const auto elapsed = after.at - before.at;
  if (elapsed <= elapsed.zero() || elapsed > kLongestMeasured) return std::nullopt;
  if (after.interface_index != before.interface_index) return std::nullopt;
  const bool fell = after.cpu_microseconds < before.cpu_microseconds ||
                    after.received_bytes < before.received_bytes ||
                    after.sent_bytes < before.sent_bytes;
  if (fell) return std::nullopt;
  const auto cpu = static_cast<double>(after.cpu_microseconds - before.cpu_microseconds);
  return store::MeasuredUsage{.measured_seconds = std::chrono::duration<double>(elapsed).count(),
                              .cpu_seconds = cpu / 1e6,
                              .memory_bytes = after.memory_bytes,
                              .memory_limit_bytes = after.memory_limit_bytes,
                              .received_bytes = after.received_bytes - before.received_bytes,
                              .sent_bytes = after.sent_bytes - before.sent_bytes};
}

}  // namespace deployclaw::orchestrator
