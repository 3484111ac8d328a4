#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// The agents' metrics, as the orchestrator writes them and thins them out.
namespace deployclaw::store {

// What an agent used while it was measured. Bytes are those of the agent: what it received, sent.
struct MeasuredUsage {
  double measured_seconds = 0;  // above 0
  double cpu_seconds = 0;
  std::uint64_t memory_bytes = 0;
  std::optional<std::uint64_t> memory_limit_bytes;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  bool operator==(const MeasuredUsage&) const = default;
};
struct MetricSample {
  AgentId agent;
  MeasuredUsage usage;
};

// Stores what was measured in the stretch that begins at `at`, of the finest resolution, in one
// statement. An agent that is gone, or has a sample of that stretch, is passed over.
Task<Status> insert_metrics(db::Database& db, Time at, std::vector<MetricSample> samples);

// Makes the stretches of `coarse` that begin at `from` or later out of those of `fine`, for this
// host's agents. `from` must be a multiple of `coarse`. It may be repeated: what is there already
// is made anew, so that a stretch which still goes on grows.
Task<Status> roll_up_metrics(db::Database& db, std::string host, std::chrono::seconds fine,
                             std::chrono::seconds coarse, Time from);

// Deletes the stretches of that resolution that begin before `before`.
Task<Status> prune_metrics(db::Database& db, std::chrono::seconds resolution, Time before);

}  // namespace deployclaw::store
