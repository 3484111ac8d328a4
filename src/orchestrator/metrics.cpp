#include "orchestrator/metrics.hpp"

#include <fmt/format.h>

namespace deployclaw::orchestrator {

void Metrics::count_action(domain::ActionKind kind, bool failed) { ++actions_[{kind, failed}]; }

void Metrics::count_pass(std::chrono::nanoseconds duration, bool failed) {
  ++passes_;
  failed_passes_ += failed;
  pass_time_ += duration;
}

std::string Metrics::text() const {
  std::string out = "# TYPE deployclaw_orchestrator_actions_total counter\n";
  for (const auto& [key, count] : actions_) {
    out += fmt::format("deployclaw_orchestrator_actions_total{{action=\"{}\",outcome=\"{}\"}} {}\n",
                       domain::to_string(key.first), key.second ? "failure" : "success", count);
  }
  out += "# TYPE deployclaw_orchestrator_agents gauge\n";
  for (const auto& [status, count] : agents_) {
    out += fmt::format("deployclaw_orchestrator_agents{{status=\"{}\"}} {}\n",
                       domain::to_string(status), count);
  }
  out += fmt::format(
      "# TYPE deployclaw_orchestrator_pass_seconds summary\n"
      "deployclaw_orchestrator_pass_seconds_sum {:.6f}\n"
      "deployclaw_orchestrator_pass_seconds_count {}\n"
      "# TYPE deployclaw_orchestrator_failed_passes_total counter\n"
      "deployclaw_orchestrator_failed_passes_total {}\n",
      std::chrono::duration<double>(pass_time_).count(), passes_, failed_passes_);
  return out;
}

}  // namespace deployclaw::orchestrator
