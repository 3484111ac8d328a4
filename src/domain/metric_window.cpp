#include "domain/metric_window.hpp"

#include <algorithm>

namespace deployclaw::domain {
namespace {

using std::chrono::seconds;

struct Range {
  std::string_view name;
  seconds length;
  seconds step;
};
constexpr std::array<Range, 5> kRanges{{
    {.name = "1h", .length = std::chrono::hours(1), .step = seconds(15)},
    {.name = "6h", .length = std::chrono::hours(6), .step = std::chrono::minutes(2)},
    {.name = "24h", .length = std::chrono::hours(24), .step = std::chrono::minutes(10)},
    {.name = "7d", .length = std::chrono::days(7), .step = std::chrono::hours(1)},
    {.name = "30d", .length = std::chrono::days(30), .step = std::chrono::hours(4)},
}};

seconds round_up(seconds value, seconds unit) { return (value + unit - seconds(1)) / unit * unit; }

Time round_up(Time time, seconds length) {
  const Time floor = metric_stretch(time, length);
  return floor == time ? floor : floor + length;
}

// The finest samples that are kept for something that long ago.
seconds resolution_at(Time from, Time now) {
  for (const auto& resolution : kMetricResolutions) {
    if (now - from <= resolution.kept) return resolution.length;
  }
  return kMetricResolutions.back().length;
}

// The coarsest that still divides the step: fewer rows to read.
seconds coarsest_within(seconds step, seconds finest) {
  seconds best = finest;
  for (const auto& resolution : kMetricResolutions) {
    if (resolution.length > best && step % resolution.length == seconds(0)) {
      best = resolution.length;
    }
  }
  return best;
}

}  // namespace

Time metric_stretch(Time time, seconds length) {
  const auto since = std::chrono::floor<seconds>(time.time_since_epoch());
  auto rest = since % length;
  if (rest < seconds(0)) rest += length;
  return Time(since - rest);
}

std::optional<MetricWindow> named_window(std::string_view range, Time now) {
  const auto found = std::ranges::find(kRanges, range, &Range::name);
  if (found == kRanges.end()) return std::nullopt;
  // A sample is there when its stretch has ended; a longer step is shown while it still goes on.
  const Time end = found->step == kShortestMetricStep ? metric_stretch(now, found->step)
                                                      : round_up(now, found->step);
  const auto finest = resolution_at(now - found->length, now);
  return MetricWindow{.from = end - found->length,
                      .step = found->step,
                      .count = found->length / found->step,
                      .resolution = coarsest_within(found->step, finest)};
}

MetricWindow covering_window(Time from, Time to, seconds step, Time now) {
  from = std::max(from, now - kMetricResolutions.back().kept);
  to = std::max(to, from + seconds(1));
  const auto finest = resolution_at(from, now);
  step = round_up(std::max(step, kShortestMetricStep), finest);
  const auto steps = [&] { return (round_up(to, step) - metric_stretch(from, step)) / step; };
  while (steps() > kMostMetricSteps) step += finest;
  return {.from = metric_stretch(from, step),
          .step = step,
          .count = steps(),
          .resolution = coarsest_within(step, finest)};
}

}  // namespace deployclaw::domain
