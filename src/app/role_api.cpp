#include <fmt/format.h>

#include <boost/asio/io_context.hpp>

#include "api/server.hpp"
#include "app/database_access.hpp"
#include "app/listen_address.hpp"
#include "app/role_runner.hpp"
#include "app/roles.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "db/database.hpp"
#include "runtimes/catalogue.hpp"
#include "services/catalogue.hpp"
#include "vault/client.hpp"

namespace deployclaw::app {
namespace {

api::ApiConfig api_config(const Settings& settings) {
  const auto listen = ListenAddress::parse(settings.text("api.listen"));
  const auto internal = ListenAddress::parse(settings.text("api.internal_listen"));
  api::ApiConfig config;
  config.listen_address = listen.address;
  config.listen_port = listen.port;
  config.internal_address = internal.address;
  config.internal_port = internal.port;
  config.public_origin = settings.text("api.public_url");
  config.trusted_proxies = settings.list("api.trusted_proxies");
  config.web_root = settings.text("web.root");
  config.agents_host = settings.text("web.agents_host");
  config.branding = {.name = settings.text("branding.name"),
                     .logo_file = settings.text("branding.logo"),
                     .support_email = settings.text("branding.support"),
                     .accent = settings.text("branding.accent"),
                     .css_file = settings.text("branding.css_file"),
                     .book_call_url = settings.text("branding.book_call_url"),
                     .plausible_domain = settings.text("branding.plausible_domain"),
                     .plausible_url = settings.text("branding.plausible_url")};
  config.issuer = config.branding.name;
  config.bcrypt_cost = static_cast<int>(settings.integer("api.bcrypt_cost"));
  config.hashing_threads = static_cast<std::size_t>(settings.integer("api.hashing_threads"));
  config.allow_test_runtimes = settings.boolean("api.allow_test_runtimes");
  return config;
}

Task<void> stop(api::ApiServer& server, db::Database& database) {
  co_await server.stop();
  co_await database.close();
}

}  // namespace

int run_api(Settings settings) {
  const auto catalogue = runtimes::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) {
    fmt::print(stderr, "deployclaw api: {}\n", catalogue.error().message);
    return 1;
  }
  const auto service_catalogue = services::Catalogue::load(settings.text("catalog_dir"));
  if (!service_catalogue) {
    fmt::print(stderr, "deployclaw api: {}\n", service_catalogue.error().message);
    return 1;
  }
  boost::asio::io_context io(1);
  const SystemClock clock;
  const auto conninfo = role_conninfo(settings, "deployclaw_api");
  db::Options options;
  options.conninfo = conninfo;
  options.application_name = "deployclaw api";
  db::Database database(io.get_executor(), std::move(options));
  vault::VaultClient vault(io.get_executor(), settings.text("vault.socket"));

  api::ServerParts parts{.db = database,
                         .vault = vault,
                         .clock = clock,
                         .runtimes = *catalogue,
                         .service_catalogue = *service_catalogue,
                         .vault_status = [&vault] { return vault.status(); },
                         .listen_conninfo = conninfo};
  api::ApiServer server(io.get_executor(), std::move(parts), api_config(settings));
  if (auto started = server.start(); !started) {
    fmt::print(stderr, "deployclaw api: {}\n", started.error().message);
    return 1;
  }
  log::info("api listens", {{"public", settings.text("api.listen")},
                            {"internal", settings.text("api.internal_listen")}});
  run_until_signal(io, [&] { return stop(server, database); });
  return 0;
}

}  // namespace deployclaw::app
