#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "db/testing/postgres.hpp"
#include "docker/testing/fake_runtime.hpp"
#include "orchestrator/orchestrator.hpp"
#include "orchestrator/testing/fakes.hpp"
#include "vault/testing/in_memory_vault.hpp"

namespace deployclaw::orchestrator::testing {

// The probe runtime with short deadlines.
runtimes::Runtime quick_runtime();
// Rules and intervals for tests: everything happens in well under a second.
Config quick_config(const std::filesystem::path& home);

// The rows a customer's wishes leave, as the api writes them, in the shared test cluster.
class Customer {
 public:
  Customer();
  AgentId create(const std::string& name, const std::string& config = "{}");
  // kind: "update" (next generation), "restart", "start".
  void deploy(AgentId agent, const std::string& kind, const std::string& config = "{}");
  void want(AgentId agent, const std::string& state);
  // One value of one row, as text.
  std::string ask(const std::string& sql);
  std::string status(AgentId agent);
  std::string reason(AgentId agent);
  std::string deployment(AgentId agent, const std::string& column = "state");
  bool exists(AgentId agent);
  [[nodiscard]] ClientId client() const { return client_; }

 private:
  ClientId client_;
};

// An orchestrator on fakes and a real database. Image records are in a temporary home.
class Rig {
 public:
  Rig();
  ~Rig();
  void start();
  // Ends it; with `crash` as a kill would: nothing is said, nothing is given up.
  void stop(bool crash = false);
  // Runs until `holds`; false after a minute.
  bool until(const std::function<bool()>& holds);
  // Runs for a while whatever happens.
  void run_for(std::chrono::milliseconds time);
  void build_image();

  SystemClock clock;
  Customer customer;
  std::filesystem::path home;
  Config config;
  docker::testing::FakeRuntime runtime;
  FakeNetwork network;
  FakeDrops drops;
  FakeVolumes volumes;
  FakeProber prober;
  vault::InMemoryVault vault;
  runtimes::Catalogue catalogue;
  Orchestrator& orchestrator() { return *process_->orchestrator; }

 private:
  // What dies with a process.
  struct Process {
    boost::asio::io_context io;
    std::unique_ptr<db::Database> db;
    std::unique_ptr<db::Listener> listener;
    std::unique_ptr<Orchestrator> orchestrator;
  };
  std::unique_ptr<Process> process_;
};

}  // namespace deployclaw::orchestrator::testing
