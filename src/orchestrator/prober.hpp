#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "runtimes/runtime.hpp"

namespace deployclaw::orchestrator {

// One check of one round: "live", "started" or "ready".
struct CheckResult {
  std::string name;
  bool ok = false;
  std::string detail;  // "answered 503", "connection refused"
  Time at{};
};

// Asks an agent how it is: an edge, so that tests need no network.
class Prober {
 public:
  virtual ~Prober() = default;
  // All checks of the runtime, in the order live, started, ready.
  virtual Task<std::vector<CheckResult>> probe(runtimes::Probe probe, std::string address) = 0;
};

// By HTTP from this host, each check with `timeout`.
std::unique_ptr<Prober> make_http_prober(const Clock& clock, std::chrono::milliseconds timeout);

}  // namespace deployclaw::orchestrator
