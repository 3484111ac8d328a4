#include "app/supervisor.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <ctime>

#include "base/log.hpp"

namespace deployclaw::app {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kLongestDelay{30};
constexpr std::chrono::seconds kHealthyLife{60};

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

struct Supervisor::Running {
  Service service;
  pid_t pid = 0;  // 0 while it waits for its next start
  SteadyTime started{};
  SteadyTime next_start{};
  std::chrono::seconds delay = kFirstDelay;
  int restarts = 0;
};

Supervisor::Supervisor() {
  const auto set = watched_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

Supervisor::~Supervisor() { stop(); }

Status Supervisor::add(Service service) {
  const auto pid = start_child(service.child);
  if (!pid) return fail(pid.error());
  log::info("service started", {{"service", service.child.name}, {"pid", *pid}});
  running_.push_back(Running{
      .service = std::move(service), .pid = *pid, .started = std::chrono::steady_clock::now()});
  return {};
}

bool Supervisor::run_until(const std::function<bool()>& done, std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (!stop_requested_) {
    if (done()) return true;
    if (std::chrono::steady_clock::now() >= end) return false;
    wait_for_signal(std::chrono::milliseconds(100));
    reap();
    start_due();
  }
  return false;
}

void Supervisor::run() {
  while (!stop_requested_) {
    wait_for_signal(std::chrono::milliseconds(500));
    reap();
    start_due();
  }
}

void Supervisor::wait_for_signal(std::chrono::milliseconds span) {
  const auto set = watched_signals();
  const timespec timeout{.tv_sec = span.count() / 1000,
                         .tv_nsec = (span.count() % 1000) * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &timeout);
  if (signal == SIGTERM || signal == SIGINT) stop_requested_ = true;
}

void Supervisor::reap() {
  int status = 0;
  // By pid, never "any child": this process may have others.
  for (auto& entry : running_) {
    if (entry.pid == 0 || waitpid(entry.pid, &status, WNOHANG) != entry.pid) continue;
    const auto now = std::chrono::steady_clock::now();
    if (now - entry.started >= kHealthyLife) entry.delay = kFirstDelay;
    entry.pid = 0;
    entry.next_start = now + entry.delay;
    if (stop_requested_) continue;
    log::warn("service died", {{"service", entry.service.child.name},
                               {"how", describe_exit(status)},
                               {"restartInSeconds", entry.delay.count()}});
    entry.delay = std::min(entry.delay * 2, kLongestDelay);
  }
}

void Supervisor::start_due() {
  if (stop_requested_) return;
  const auto now = std::chrono::steady_clock::now();
  for (auto& entry : running_) {
    if (entry.pid != 0 || now < entry.next_start) continue;
    const auto pid = start_child(entry.service.child);
    if (!pid) {
      log::error("service does not start",
                 {{"service", entry.service.child.name}, {"error", pid.error().message}});
      entry.next_start = now + entry.delay;
      continue;
    }
    entry.pid = *pid;
    entry.started = now;
    ++entry.restarts;
    log::info("service restarted", {{"service", entry.service.child.name}, {"pid", *pid}});
  }
}

void Supervisor::stop() {
  stop_requested_ = true;
  for (auto it = running_.rbegin(); it != running_.rend(); ++it) {
    if (it->pid == 0) continue;
    kill(it->pid, it->service.stop_signal);
    const auto end = std::chrono::steady_clock::now() + it->service.grace;
    while (it->pid != 0) {
      reap();
      if (it->pid == 0) break;
      if (std::chrono::steady_clock::now() >= end) {
        log::warn("service did not stop in time, killing it",
                  {{"service", it->service.child.name}});
        kill(it->pid, SIGKILL);
      }
      const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
      nanosleep(&pause, nullptr);
    }
    log::info("service stopped", {{"service", it->service.child.name}});
  }
  running_.clear();
}

int Supervisor::restarts(std::string_view name) const {
  for (const auto& entry : running_) {
    if (entry.service.child.name == name) return entry.restarts;
  }
  return 0;
}

}  // namespace deployclaw::app
