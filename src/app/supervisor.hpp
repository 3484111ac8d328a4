#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "app/child.hpp"
#include "base/result.hpp"

namespace deployclaw::app {

// A child that must always run. Stopped by `stop_signal`, killed when it takes longer than `grace`.
struct Service {
  ChildSpec child;
  int stop_signal = 15;
  std::chrono::seconds grace{20};
};

// Keeps services running: starts them in order, restarts what dies (1 s, doubled up to 30 s; back
// to 1 s after a minute of life), stops them in reverse order. Owns SIGCHLD, SIGTERM and SIGINT of
// the process, which must have one thread.
class Supervisor {
 public:
  Supervisor();
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts a service now.
  Status add(Service service);
  // Runs for `span`, or until `done` says so (asked every 100 ms) or a stop signal came. True when
  // `done` did.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds span);
  // Runs until SIGTERM or SIGINT.
  void run();
  // Ends all services, last started first.
  void stop();
  [[nodiscard]] bool stop_requested() const { return stop_requested_; }
  // How often a service was restarted.
  [[nodiscard]] int restarts(std::string_view name) const;

 private:
  struct Running;
  void wait_for_signal(std::chrono::milliseconds span);
  void reap();
  void start_due();

  std::vector<Running> running_;
  bool stop_requested_ = false;
};

}  // namespace deployclaw::app
