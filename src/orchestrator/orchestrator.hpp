#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "db/listener.hpp"
#include "net/http_server.hpp"
#include "orchestrator/drop_reporter.hpp"
#include "orchestrator/executor.hpp"
#include "orchestrator/observer.hpp"
#include "orchestrator/usage_sampler.hpp"
#include "store/orchestrator_observations.hpp"

namespace deployclaw::orchestrator {

// Brings this host to what the customers want, again and again: look at database and host, plan
// (domain/plan.hpp), act, each agent in a task of its own. It is woken by NOTIFY, by the engine's
// events, by probes that change their mind, by time that is due, and every ten seconds.
//
// Nothing that matters is only in memory: it may be killed at any point, and the next process goes
// on from what it sees. While the database or the engine is away it waits; agents keep running.
// Everything happens on the executor's one thread, what blocks on small pools.
class Orchestrator {
 public:
  // `parts` and `listener` (a connection with the role's rights) outlive it.
  Orchestrator(boost::asio::any_io_executor executor, Parts parts, db::Listener& listener,
               Config config);
  // stop() must have returned, or the io_context must never run again.
  ~Orchestrator();
  Orchestrator(const Orchestrator&) = delete;
  Orchestrator& operator=(const Orchestrator&) = delete;

  // Begins to work; an error only when the metrics listener cannot be had.
  Status start();
  // Ends all work where it stands, leaves agents running and gives the leases up.
  Task<void> stop();

  // Looks soon (a few milliseconds), for whoever knows that something changed.
  void wake();

  // The port of /healthz, /readyz and /metrics; 0 without a listener.
  [[nodiscard]] std::uint16_t admin_port() const { return admin_port_; }
  [[nodiscard]] bool leads() const { return lease_.held(); }
  // Passes that saw everything and ended.
  [[nodiscard]] std::uint64_t passes() const { return passes_; }

 private:
  Task<void> pass_loop();
  Task<void> events_loop();
  Task<bool> read_events();
  Task<Status> pass();
  Task<void> tell_outage(const std::vector<store::DesiredRow>& rows, Error error);
  void act(const World& world, domain::Plan plan);
  Task<void> run_agent(domain::DesiredAgent desired, domain::ObservedAgent seen,
                       std::vector<domain::Action> actions);
  Task<void> clear_strays(std::vector<std::string> strays);
  Task<void> save_observations(const World& world);
  Task<void> repeat_failed(const World& world);
  Task<bool> cause_is_gone(const store::DesiredRow& row);
  void forget_gone(const World& world);
  void tell_owners(const World& world);
  void count_agents(const std::vector<store::DesiredRow>& rows);
  Task<http::Response> answer(http::Request request);

  boost::asio::any_io_executor executor_;
  Parts parts_;
  db::Listener& listener_;
  const Config config_;
  AgentMemories memories_;
  Metrics metrics_;
  LeaseKeeper lease_;
  HealthMonitor health_;
  OutputCollector output_;
  Observer observer_;
  Workshop shop_;
  DropReporter drops_;
  std::optional<UsageSampler> usage_;
  boost::asio::steady_timer alarm_;
  std::map<AgentId, std::pair<store::Observation, Time>> saved_;
  std::unique_ptr<net::HttpServer> admin_;
  std::uint16_t admin_port_ = 0;
  std::uint64_t passes_ = 0;
  std::string trouble_ = "no pass yet";  // of the last pass; empty when all is well
  std::optional<Time> wake_at_;
  bool woken_ = false;
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace deployclaw::orchestrator
