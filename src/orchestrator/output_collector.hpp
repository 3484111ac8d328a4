#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "docker/container_runtime.hpp"
#include "orchestrator/config.hpp"
#include "store/orchestrator_output.hpp"

namespace deployclaw::orchestrator {

// A container whose output is wanted.
struct OutputSource {
  AgentId agent;
  ClientId client;
  std::string container;
  std::optional<Time> started_at;
};

// Limits what one agent may make us store: the lines above the rate of a second are counted, and
// the count takes their place. Pure.
class LineGate {
 public:
  explicit LineGate(std::size_t per_second) : per_second_(per_second) {}
  // True when the line may pass. `marker` gets the text to store before it, or "".
  bool admit(Time now, std::string& marker);
  // The marker for what was dropped last, or "".
  std::string finish();

 private:
  const std::size_t per_second_;
  Time second_{};
  std::size_t passed_ = 0;
  std::size_t dropped_ = 0;
};

// Follows the output of every agent's container and stores its newest lines. After a restart it
// goes on behind the newest line that is stored. When the database does not take lines, little is
// held in memory and the rest waits in the engine's log.
class OutputCollector {
 public:
  OutputCollector(boost::asio::any_io_executor executor, db::Database& db,
                  docker::ContainerRuntime& runtime, const Config& config);

  // Follows what is not yet followed. Each start of a container is followed once, to its end.
  void follow(const std::vector<OutputSource>& sources);
  // Waits until all that the container wrote is stored, at most `most`: before it is removed.
  Task<void> drain(AgentId agent, std::chrono::milliseconds most);

  Task<void> stop();

 private:
  struct Follower;
  Task<void> run(std::shared_ptr<Follower> follower);
  Task<bool> read(std::shared_ptr<Follower> follower);
  Task<void> flush_loop();
  Task<bool> flush(Follower& follower);
  void add(Follower& follower, docker::LogLine line);

  db::Database& db_;
  docker::ContainerRuntime& runtime_;
  const Config& config_;
  std::map<AgentId, std::shared_ptr<Follower>> followers_;
  std::deque<std::shared_ptr<Follower>> ended_;  // still to be stored
  bool flushing_ = false;
  TaskGroup tasks_;
};

}  // namespace deployclaw::orchestrator
