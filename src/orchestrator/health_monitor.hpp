#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "domain/deployment.hpp"
#include "orchestrator/config.hpp"
#include "orchestrator/prober.hpp"

namespace deployclaw::orchestrator {

// One start of a container that is to be probed.
struct Watched {
  AgentId agent;
  std::string container;
  std::optional<Time> started_at;
  std::string address;
  runtimes::Probe probe;
  bool settled = false;  // probed at the slow pace once it is ready
};

// Probes every running agent, each in a task of its own, and keeps what it learnt. The counts
// belong to one start of a container: a restart begins anew.
class HealthMonitor {
 public:
  // `changed` is called when a count crosses what a decision could hang on.
  HealthMonitor(boost::asio::any_io_executor executor, Prober& prober, const Config& config,
                std::function<void()> changed);

  // From now on exactly these are probed.
  void watch(std::vector<Watched> wanted);

  // What is known of that start; a fresh state when nothing is.
  [[nodiscard]] domain::ProbeState state_of(AgentId agent, const std::string& container,
                                            const std::optional<Time>& started_at) const;
  // The last round: [{name, status, detail, at}].
  [[nodiscard]] boost::json::array checks_of(AgentId agent) const;

  // Ends all probing and waits for it.
  Task<void> stop();

 private:
  struct Entry {
    Watched watched;
    domain::ProbeState state = {};
    std::vector<CheckResult> last = {};
    bool dropped = false;
  };
  Task<void> run(std::shared_ptr<Entry> entry);
  void take(Entry& entry, std::vector<CheckResult> round);

  Prober& prober_;
  const Config& config_;
  std::function<void()> changed_;
  std::map<AgentId, std::shared_ptr<Entry>> entries_;
  TaskGroup tasks_;
};

}  // namespace deployclaw::orchestrator
