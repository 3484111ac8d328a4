#include <fmt/format.h>

#include <boost/asio/io_context.hpp>

#include "app/database_access.hpp"
#include "app/listen_address.hpp"
#include "app/role_runner.hpp"
#include "app/roles.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "db/database.hpp"
#include "db/listener.hpp"
#include "docker/docker_runtime.hpp"
#include "docker/engine.hpp"
#include "linux/address_pool.hpp"
#include "linux/nftables.hpp"
#include "orchestrator/orchestrator.hpp"
#include "runtimes/catalogue.hpp"
#include "vault/client.hpp"

namespace deployclaw::app {
namespace {

int complain(const std::string& what) {
  fmt::print(stderr, "deployclaw orchestrator: {}\n", what);
  return 1;
}

orchestrator::Config orchestrator_config(const Settings& settings, const linux::AddressPool& pool,
                                         const linux::FirewallConfig& firewall) {
  const auto listen = ListenAddress::parse(settings.text("orchestrator.listen"));
  orchestrator::Config config;
  config.host_name = settings.text("orchestrator.host_name");
  config.home = settings.text("home");
  config.gateway_address = pool.gateway().to_string();
  config.proxy_url = fmt::format("http://{}:{}", config.gateway_address, firewall.proxy_port);
  config.public_origin = settings.text("api.public_url");
  config.allow_test_runtimes = settings.boolean("api.allow_test_runtimes");
  config.parallel_starts = static_cast<int>(settings.integer("orchestrator.parallel_starts"));
  config.admin_address = listen.address;
  config.admin_port = listen.port;
  return config;
}

Task<void> stop(orchestrator::Orchestrator& orchestrator, db::Listener& listener,
                db::Database& database) {
  co_await orchestrator.stop();
  co_await listener.close();
  co_await database.close();
}

}  // namespace

int run_orchestrator(Settings settings) {
  const auto catalogue = runtimes::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) return complain(catalogue.error().message);
  const auto pool = linux::AddressPool::parse(settings.text("orchestrator.agent_pool"));
  if (!pool) return complain("orchestrator.agent_pool: " + pool.error().message);
  const auto names = linux::NetworkNames::for_instance(settings.text("orchestrator.table_suffix"));
  if (!names) return complain("orchestrator.table_suffix: " + names.error().message);
  const auto socket = docker::Engine::parse_host(settings.text("docker.host"));
  if (!socket) return complain("docker.host: " + socket.error().message);
  const linux::FirewallConfig firewall{.names = *names, .gateway = pool->gateway()};

  boost::asio::io_context io(1);
  const SystemClock clock;
  const auto conninfo = role_conninfo(settings, "deployclaw_orchestrator");
  db::Options options;
  options.conninfo = conninfo;
  options.application_name = "deployclaw orchestrator";
  db::Database database(io.get_executor(), std::move(options));
  db::Listener listener(io.get_executor(), conninfo);
  vault::VaultClient vault(io.get_executor(), settings.text("vault.socket"));
  docker::Engine engine(io.get_executor(), *socket);
  const auto runtime = docker::make_docker_runtime(engine);
  const auto network = orchestrator::make_linux_network(firewall, *pool);
  const auto drops = orchestrator::make_linux_drops(io.get_executor(), firewall.log_group);
  const auto usage = orchestrator::make_linux_usage_reader(names->interface_prefix);
  const auto volumes = orchestrator::make_loop_volumes(settings.text("home"));
  auto config = orchestrator_config(settings, *pool, firewall);
  const auto prober = orchestrator::make_http_prober(clock, config.probe_timeout);

  const orchestrator::Parts parts{.db = database,
                                  .runtime = *runtime,
                                  .network = *network,
                                  .volumes = *volumes,
                                  .vault = vault,
                                  .catalogue = *catalogue,
                                  .prober = *prober,
                                  .clock = clock,
                                  .pool = *pool,
                                  .usage = usage.get(),
                                  .drops = drops.get()};
  orchestrator::Orchestrator orchestrator(io.get_executor(), parts, listener, std::move(config));
  if (auto started = orchestrator.start(); !started) return complain(started.error().message);
  log::info("orchestrator works", {{"host", settings.text("orchestrator.host_name")},
                                   {"engine", settings.text("docker.host")},
                                   {"admin", settings.text("orchestrator.listen")}});
  run_until_signal(io, [&] { return stop(orchestrator, listener, database); });
  return 0;
}

}  // namespace deployclaw::app
