#include "orchestrator/testing/rig.hpp"

#include <stdlib.h>

#include <vector>

#include "runtimes/image_build.hpp"

namespace deployclaw::orchestrator::testing {

using namespace std::chrono_literals;

namespace {
constexpr const char* kReference = "deployclaw/probe:1-000000000000";

db::testing::Postgres& fresh_postgres() {
  auto& postgres = db::testing::Postgres::shared();
  postgres.reset();
  return postgres;
}
}  // namespace

runtimes::Runtime quick_runtime() {
  runtimes::Runtime runtime;
  runtime.name = "probe";
  runtime.version = "1";
  runtime.test_only = true;
  runtime.image.name = "deployclaw/probe";
  runtime.image.recipe = "probe";
  runtime.command = {"agent-init", "--wait-file", "/state/probe.json", "probe"};
  runtime.probe.port = 18789;
  runtime.probe.live.path = "/healthz";
  runtime.probe.started.path = "/startupz";
  runtime.probe.ready.path = "/readyz";
  runtime.probe.headers = {{"X-Forwarded-For", "192.0.2.1"}};
  runtime.deadline = 20s;
  runtime.stop_timeout = 2s;
  runtime.parallel_starts = 4;
  runtime.default_resources = {.cpus = 0.25, .memory_mb = 32, .disk_mb = 16, .pids = 32};
  runtime.least_resources = {.cpus = 0.05, .memory_mb = 16, .disk_mb = 16, .pids = 8};
  runtime.state_path = "/state";
  runtime.tmpfs_mb = 16;
  runtime.config = runtimes::ConfigFile{.path = "/state/probe.json",
                                        .base = {{"gatewayToken", "${gateway_token}"}},
                                        .allowed = {"*"},
                                        .refused = {{"/gatewayToken", "the platform sets it"}},
                                        .max_bytes = 65536};
  return runtime;
}

Config quick_config(const std::filesystem::path& home) {
  Config config;
  config.host_name = "test-host";
  config.home = home;
  config.proxy_url = "http://10.231.0.1:3128";
  config.gateway_address = "10.231.0.1";
  config.allow_test_runtimes = true;
  config.rules.verdict.steady = 150ms;
  config.rules.restart.first_delay = 20ms;
  config.rules.restart.longest_delay = 100ms;
  config.pass_every = 300ms;
  config.lease = 2000ms;
  config.renew_every = 300ms;
  config.probe_eager = 20ms;
  config.probe_fast = 20ms;
  config.probe_slow = 30ms;
  config.output_flush = 20ms;
  config.drop_flush = 20ms;
  return config;
}

Customer::Customer() : client_(ClientId::random()) {
  fresh_postgres().run("INSERT INTO clients (id, name, email, vault_salt) VALUES ('" +
                       client_.to_string() +
                       "', 'Test', 'test@example.com', decode(repeat('ab', 32), 'hex'))");
}

std::string Customer::ask(const std::string& sql) {
  return db::testing::Postgres::shared().run(sql);
}

AgentId Customer::create(const std::string& name, const std::string& config) {
  const auto agent = AgentId::random();
  ask("INSERT INTO agents (id, client_id, name, runtime, runtime_version, config, permissions) "
      "VALUES ('" +
      agent.to_string() + "', '" + client_.to_string() + "', '" + name + "', 'probe', '1', '" +
      config + "', '{}')");
  ask("INSERT INTO deployments (client_id, agent_id, kind, generation, spec) SELECT client_id, id, "
      "'create', generation, jsonb_build_object('runtime', runtime, 'config', config, "
      "'permissions', "
      "permissions) FROM agents "
      "WHERE id = '" +
      agent.to_string() + "'");
  return agent;
}

void Customer::deploy(AgentId agent, const std::string& kind, const std::string& config) {
  const std::string id = "'" + agent.to_string() + "'";
  std::string sql =
      "UPDATE deployments SET state = 'cancelled', ended_at = now() WHERE agent_id = " + id +
      " AND state IN ('queued', 'pulling', 'creating', 'starting', 'verifying');";
  sql += "UPDATE agents SET desired_state = 'running'";
  if (kind == "update") sql += ", generation = generation + 1, config = '" + config + "'";
  sql += " WHERE id = " + id + ";";
  sql +=
      "INSERT INTO deployments (client_id, agent_id, kind, generation, spec, created_at) SELECT "
      "client_id, id, '" +
      kind +
      "', generation, jsonb_build_object('runtime', runtime, "
      "'config', config, 'permissions', permissions), clock_timestamp() FROM agents WHERE id = " +
      id;
  ask(sql);
}

void Customer::want(AgentId agent, const std::string& state) {
  ask("UPDATE agents SET desired_state = '" + state + "' WHERE id = '" + agent.to_string() + "'");
}

std::string Customer::status(AgentId agent) {
  return ask("SELECT status FROM agents WHERE id = '" + agent.to_string() + "'");
}
std::string Customer::reason(AgentId agent) {
  return ask("SELECT status_reason FROM agents WHERE id = '" + agent.to_string() + "'");
}
std::string Customer::deployment(AgentId agent, const std::string& column) {
  return ask("SELECT " + column + " FROM deployments WHERE agent_id = '" + agent.to_string() +
             "' ORDER BY created_at DESC LIMIT 1");
}
bool Customer::exists(AgentId agent) {
  return ask("SELECT count(*) FROM agents WHERE id = '" + agent.to_string() + "'") == "1";
}

Rig::Rig() : runtime(clock), prober(clock), catalogue(runtimes::Catalogue::of({quick_runtime()})) {
  char path[] = "/tmp/dc-orchestrator-XXXXXX";
  home = mkdtemp(path);
  config = quick_config(home);
  build_image();
}

Rig::~Rig() {
  if (process_) stop();
  std::error_code error;
  std::filesystem::remove_all(home, error);
}

void Rig::build_image() {
  runtime.add_image(kReference);
  std::filesystem::create_directories(home / "images");
  const auto done =
      runtimes::write_image_record(home / "images", {.runtime = "probe",
                                                     .version = "1",
                                                     .reference = kReference,
                                                     .image_id = "sha256:0",
                                                     .sha256 = std::string(64, '0'),
                                                     .built_at = "2026-01-01T00:00:00Z"});
  if (!done) abort();
}

void Rig::start() {
  process_ = std::make_unique<Process>();
  auto& process = *process_;
  const auto conninfo = db::testing::Postgres::shared().conninfo("deployclaw_orchestrator");
  const auto executor = process.io.get_executor();
  process.db = std::make_unique<db::Database>(executor, db::Options{.conninfo = conninfo});
  process.listener = std::make_unique<db::Listener>(executor, conninfo);
  Parts parts{*process.db, runtime, network,
              volumes,     vault,   catalogue,
              prober,      clock,   *linux::AddressPool::parse("10.231.0.0/16"),
              nullptr,     &drops};
  process.orchestrator =
      std::make_unique<Orchestrator>(executor, std::move(parts), *process.listener, config);
  if (!process.orchestrator->start()) abort();
}

namespace {
Task<void> stop_all(Orchestrator& orchestrator, db::Listener& listener, db::Database& db,
                    bool& done) {
  co_await orchestrator.stop();
  co_await listener.close();
  co_await db.close();
  done = true;
}
}  // namespace

void Rig::stop(bool crash) {
  if (crash) {
    // Its coroutines may not run on, nor be unwound: a killed process does neither.
    static auto* const graveyard = new std::vector<std::unique_ptr<Process>>();
    graveyard->push_back(std::move(process_));
    // The kernel would close a dead process's connections.
    customer.ask(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE usename = 'deployclaw_orchestrator'");
    return;
  }
  bool done = false;
  {
    TaskGroup tasks(process_->io.get_executor());
    tasks.spawn("stop",
                stop_all(*process_->orchestrator, *process_->listener, *process_->db, done));
    until([&] { return done; });
  }
  process_.reset();
}

bool Rig::until(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < end) {
    process_->io.restart();
    process_->io.run_for(10ms);
    if (holds()) return true;
  }
  return false;
}

void Rig::run_for(std::chrono::milliseconds time) {
  process_->io.restart();
  process_->io.run_for(time);
}

}  // namespace deployclaw::orchestrator::testing
