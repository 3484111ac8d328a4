#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "domain/metric_window.hpp"
#include "orchestrator/usage_reader.hpp"

namespace deployclaw::orchestrator {

// Measures what each running agent uses, every 15 seconds at a multiple of them, and stores it;
// every minute makes the coarser stretches and takes away what is old. It remembers only the last
// readings: after a restart of this process or of a container one stretch is not measured, and the
// coarser ones are made for all that is kept. No sample is better than a wrong one.
// Single-threaded.
class UsageSampler {
 public:
  // The three outlive it. `host` is whose agents are rolled up.
  UsageSampler(db::Database& db, UsageReader& reader, const Clock& clock, std::string host);

  // What runs now; what is not named is forgotten.
  void watch(std::vector<UsageTarget> targets) { targets_ = std::move(targets); }

  // Works until cancelled, but only while `leads` says so.
  Task<void> run(std::function<bool()> leads);

  // One round of each, for run() and tests.
  Task<Status> sample();
  Task<Status> tidy();

 private:
  db::Database& db_;
  UsageReader& reader_;
  const Clock& clock_;
  const std::string host_;
  std::vector<UsageTarget> targets_;
  std::map<AgentId, std::pair<UsageTarget, UsageReading>> last_;
  // When each coarser resolution was last made; not yet by this process.
  std::array<std::optional<Time>, domain::kMetricResolutions.size()> rolled_up_{};
  std::string trouble_;  // complained of once, not every round
};

}  // namespace deployclaw::orchestrator
