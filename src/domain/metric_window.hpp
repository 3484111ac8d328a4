#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

// Over which time, and in which steps, an agent's metrics are kept and shown. Pure.
namespace deployclaw::domain {

// Samples of this length are kept for at least this long.
struct MetricResolution {
  std::chrono::seconds length;
  std::chrono::seconds kept;
};
// Finest first. Each but the first is made from the one before it. Their lengths are those that the
// table agent_metrics has partitions for.
inline constexpr std::array<MetricResolution, 3> kMetricResolutions{{
    {.length = std::chrono::seconds(15), .kept = std::chrono::hours(2)},
    {.length = std::chrono::minutes(1), .kept = std::chrono::days(2)},
    {.length = std::chrono::minutes(15), .kept = std::chrono::days(30)},
}};
inline constexpr std::chrono::seconds kShortestMetricStep = kMetricResolutions.front().length;
inline constexpr std::chrono::seconds kLongestMetricStep = std::chrono::days(1);
inline constexpr std::int64_t kMostMetricSteps = 240;

// `count` steps (1 to kMostMetricSteps), the first beginning at `from`, a multiple of the step.
struct MetricWindow {
  Time from{};
  std::chrono::seconds step{};
  std::int64_t count = 0;
  std::chrono::seconds resolution{};  // of the samples to read; divides the step

  [[nodiscard]] Time to() const { return from + step * count; }
};

// The beginning of the stretch of `length` that holds `time`, counted from 1970.
Time metric_stretch(Time time, std::chrono::seconds length);

// The time up to now that a customer chooses by name: 1h, 6h, 24h, 7d, 30d. nullopt for another.
std::optional<MetricWindow> named_window(std::string_view range, Time now);

// The window that covers [from, to) in steps of at least `step`: longer ones where only coarser
// samples are kept, or where there were more than kMostMetricSteps. `from` must be before `to`;
// what lies before the time that samples are kept for is cut off.
MetricWindow covering_window(Time from, Time to, std::chrono::seconds step, Time now);

}  // namespace deployclaw::domain
