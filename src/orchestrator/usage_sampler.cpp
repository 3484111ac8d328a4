#include "orchestrator/usage_sampler.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace deployclaw::orchestrator {
namespace {

using namespace std::chrono_literals;
using domain::kMetricResolutions;
using domain::kShortestMetricStep;
using domain::metric_stretch;

// A round begins this much after its stretch has ended, so that an early timer is not too early.
constexpr std::chrono::milliseconds kAfter{50};
constexpr int kRoundsPerTidy = 4;
// Kept longer than promised: never is a stretch made anew from a part of its samples.
constexpr std::chrono::seconds kSlack = 2 * kMetricResolutions.back().length;

std::chrono::microseconds until_next_round(Time now) {
  return metric_stretch(now, kShortestMetricStep) + kShortestMetricStep + kAfter - now;
}

// The stretch that ended at the multiple that is nearest to `now`.
Time ended_stretch(Time now) {
  return metric_stretch(now + kShortestMetricStep / 2, kShortestMetricStep) - kShortestMetricStep;
}

}  // namespace

UsageSampler::UsageSampler(db::Database& db, UsageReader& reader, const Clock& clock,
                           std::string host)
    : db_(db), reader_(reader), clock_(clock), host_(std::move(host)) {}

Task<void> UsageSampler::run(std::function<bool()> leads) {
  for (int round = 0;; ++round) {
    const auto pause = until_next_round(clock_.now());
    const bool slept = co_await sleep_for(pause);
    if (!slept) co_return;
    if (!leads()) continue;
    auto done = co_await sample();
    if (done && round % kRoundsPerTidy == 0) done = co_await tidy();
    if (!done && done.error().code == Code::kCancelled) co_return;
    if (!done && done.error().message != trouble_) {
      log::warn("metrics are not kept", {{"error", done.error().message}});
    }
    trouble_ = done ? "" : done.error().message;
  }
}

Task<Status> UsageSampler::sample() {
  auto targets = targets_;
  const auto readings = co_await reader_.read(targets);
  const Time at = ended_stretch(clock_.now());
  std::map<AgentId, std::pair<UsageTarget, UsageReading>> now;
  std::vector<store::MetricSample> samples;
  for (std::size_t i = 0; i < targets.size() && i < readings.size(); ++i) {
    if (!readings[i]) continue;
    const auto& target = targets[i];
    const auto before = last_.find(target.agent);
    if (before != last_.end() && before->second.first.same_start(target)) {
      if (auto usage = usage_between(before->second.second, *readings[i])) {
        samples.push_back({.agent = target.agent, .usage = *usage});
      }
    }
    now.insert_or_assign(target.agent, std::pair(target, *readings[i]));
  }
  last_ = std::move(now);
  if (samples.empty()) co_return Status{};
  auto stored = co_await store::insert_metrics(db_, at, std::move(samples));
  co_return stored;
}

Task<Status> UsageSampler::tidy() {
  const Time now = clock_.now();
  for (std::size_t i = 1; i < kMetricResolutions.size(); ++i) {
    const auto& fine = kMetricResolutions[i - 1];
    const auto& coarse = kMetricResolutions[i];
    // Again the stretch before the last, should the clock have been set.
    const Time since =
        rolled_up_[i] ? std::min(*rolled_up_[i], now) - coarse.length : now - fine.kept;
    const Time from = metric_stretch(since, coarse.length);
    auto rolled = co_await store::roll_up_metrics(db_, host_, fine.length, coarse.length, from);
    if (!rolled) co_return rolled;
    rolled_up_[i] = now;
  }
  for (const auto& resolution : kMetricResolutions) {
    const Time before = now - resolution.kept - kSlack;
    auto pruned = co_await store::prune_metrics(db_, resolution.length, before);
    if (!pruned) co_return pruned;
  }
  co_return Status{};
}

}  // namespace deployclaw::orchestrator
