#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "app/database_access.hpp"
#include "app/listen_address.hpp"
#include "app/paths.hpp"
#include "app/role_runner.hpp"
#include "app/roles.hpp"
#include "base/log.hpp"
#include "db/database.hpp"
#include "db/listener.hpp"
#include "dns/nameserver.hpp"
#include "egress/spool_lock.hpp"
#include "egress/supervisor.hpp"
#include "egress/worker.hpp"
#include "linux/sandbox.hpp"
#include "vault/client.hpp"

namespace deployclaw::app {
namespace {

constexpr const char* kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

int complain(const std::string& what) {
  fmt::print(stderr, "deployclaw egress: {}\n", what);
  return 1;
}

// The catalogue and the certificates that upstreams are verified against: what workers start with.
Result<egress::WorkerParts> worker_parts(const Settings& settings) {
  auto catalogue = services::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) return fail(catalogue.error());
  const bool refuses = settings.text("models.unknown") == "refuse";
  auto prices = models::PriceCatalogue::load(
      settings.text("catalog_dir"), settings.text("models.prices"),
      refuses ? models::UnknownModel::kRefuse : models::UnknownModel::kDearest);
  if (!prices) return fail(prices.error());
  const auto roots = read_file(kSystemRoots);
  if (!roots)
    return context("the system's root certificates (package ca-certificates)", roots.error());
  std::string extra;
  if (const auto& path = settings.text("egress.extra_roots"); !path.empty()) {
    auto read = read_file(path);
    if (!read) return context("egress.extra_roots", read.error());
    extra = std::move(*read);
  }
  auto tls = net::TlsClientContext::create(*roots, extra);
  if (!tls) return context("root certificates", tls.error());
  return egress::WorkerParts{
      .catalogue = std::move(*catalogue), .tls = std::move(*tls), .prices = std::move(*prices)};
}

// "name=address" entries of egress.hosts, several for a name with several addresses.
Result<std::map<std::string, std::vector<std::string>>> pinned_hosts(const Settings& settings) {
  std::map<std::string, std::vector<std::string>> pins;
  for (const auto& entry : settings.list("egress.hosts")) {
    const auto equals = entry.find('=');
    boost::system::error_code error;
    if (equals != std::string::npos) {
      boost::asio::ip::make_address(entry.substr(equals + 1), error);
    }
    if (equals == std::string::npos || equals == 0 || error) {
      return fail(Code::kInvalid,
                  "egress.hosts: '" + entry + "' must be a host name, '=' and an IP address");
    }
    pins[entry.substr(0, equals)].push_back(entry.substr(equals + 1));
  }
  return pins;
}

Result<std::vector<std::string>> nameservers(const Settings& settings) {
  auto servers = settings.list("egress.nameservers");
  for (const auto& server : servers) {
    if (auto parsed = dns::parse_nameserver(server); !parsed) {
      return context("egress.nameservers", parsed.error());
    }
  }
  if (!servers.empty()) return servers;
  if (const auto system = read_file("/etc/resolv.conf"); system) {
    for (const auto& server : dns::read_resolv_conf(*system)) servers.push_back(server.to_string());
  }
  // With none, only pinned hosts can be reached; a resolver must still be able to ask somebody.
  if (servers.empty()) servers.emplace_back("127.0.0.1:53");
  return servers;
}

egress::Deadlines deadlines(const Settings& settings) {
  const auto seconds = [&](std::string_view key) {
    return std::chrono::seconds(settings.integer(key));
  };
  return {.head = seconds("egress.request_head_seconds"),
          .idle = seconds("egress.keep_alive_seconds"),
          .body = seconds("egress.request_body_seconds"),
          .response_head = seconds("egress.answer_head_seconds"),
          .response_body = seconds("egress.answer_body_seconds"),
          .tunnel = seconds("egress.tunnel_seconds"),
          .approval = seconds("egress.approval_hold_seconds")};
}

Result<egress::Config> egress_config(const Settings& settings) {
  const auto pool = linux::AddressPool::parse(settings.text("orchestrator.agent_pool"));
  if (!pool) return context("orchestrator.agent_pool", pool.error());
  auto pins = pinned_hosts(settings);
  if (!pins) return fail(pins.error());
  auto servers = nameservers(settings);
  if (!servers) return fail(servers.error());
  const auto listen = ListenAddress::parse(settings.text("egress.listen"));
  egress::Config config;
  config.host_name = settings.text("orchestrator.host_name");
  config.gateway = pool->gateway();
  config.spool_directory = settings.text("home") + "/egress/spool";
  config.spool_bytes = static_cast<std::uint64_t>(settings.integer("egress.spool_mb")) << 20;
  config.nameservers = std::move(*servers);
  config.pins = std::move(*pins);
  config.first_worker_uid = static_cast<uid_t>(settings.integer("egress.first_worker_uid"));
  config.worker_idle = std::chrono::seconds(settings.integer("egress.worker_idle_seconds"));
  config.deadlines = deadlines(settings);
  config.approval_lifetime = std::chrono::seconds(settings.integer("egress.approval_seconds"));
  config.admin_address = listen.address;
  config.admin_port = listen.port;
  return config;
}

// Thousands of connections; workers inherit the limit.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Task<void> stop(egress::Supervisor& supervisor, db::Listener& listener, db::Database& database) {
  co_await supervisor.stop();
  co_await listener.close();
  co_await database.close();
}

}  // namespace

int run_egress(Settings settings) {
  allow_many_files();
  if (!net::keep_tls_buffers()) log::warn("TLS buffers are not kept for reuse");
  // First of all, so that what is loaded next lies where this used memory for a moment.
  if (auto warm = net::warm_up_tls(SystemClock{}); !warm) return complain(warm.error().message);
  auto config = egress_config(settings);
  if (!config) return complain(config.error().message);
  auto parts = worker_parts(settings);
  if (!parts) return complain(parts.error().message);
  // Before there is a thread, a secret or a connection in this process.
  auto spawner = egress::Spawner::start(
      config->first_worker_uid, [&](linux::UniqueFd channel, linux::UniqueFd audit) {
        return egress::run_worker(*parts, std::move(channel), std::move(audit));
      });
  if (!spawner) return complain(spawner.error().message);
  if (auto dropped = linux::drop_capabilities(); !dropped) return complain(dropped.error().message);
  const auto lock = egress::lock_spool(config->spool_directory);
  if (!lock) return complain(lock.error().message);
  auto spool = egress::Spool::open(config->spool_directory, config->spool_bytes);
  if (!spool) return complain(spool.error().message);

  boost::asio::io_context io(1);
  const auto conninfo = role_conninfo(settings, "deployclaw_egress");
  db::Options options;
  options.conninfo = conninfo;
  options.application_name = "deployclaw egress";
  db::Database database(io.get_executor(), std::move(options));
  db::Listener listener(io.get_executor(), conninfo);
  vault::VaultClient vault(io.get_executor(), settings.text("vault.socket"));
  egress::Supervisor supervisor(
      io.get_executor(),
      {.db = database, .listener = listener, .vault = vault, .spawner = *spawner},
      std::move(*spool), *config);
  if (auto started = supervisor.start(); !started) return complain(started.error().message);
  log::info("egress works", {{"gateway", config->gateway.to_string()},
                             {"nameservers", config->nameservers.size()},
                             {"admin", settings.text("egress.listen")}});
  run_until_signal(io, [&] { return stop(supervisor, listener, database); });
  return 0;
}

}  // namespace deployclaw::app
