#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "store/orchestrator_metrics.hpp"

namespace deployclaw::orchestrator {

// The kernel's counters of one container at one moment. Each start of a container, and each
// interface, counts from 0.
struct UsageReading {
  std::chrono::steady_clock::time_point at;
  std::uint64_t cpu_microseconds = 0;
  std::uint64_t memory_bytes = 0;
  std::optional<std::uint64_t> memory_limit_bytes;
  std::uint32_t interface_index = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

// Longer ago, and it would be told of the wrong time.
inline constexpr std::chrono::seconds kLongestMeasured{45};

// What was used between two readings of one start of a container. nullopt where that cannot be
// said: another interface, a counter that fell, no time or more than kLongestMeasured between them.
// Pure.
std::optional<store::MeasuredUsage> usage_between(const UsageReading& before,
                                                  const UsageReading& after);

}  // namespace deployclaw::orchestrator
