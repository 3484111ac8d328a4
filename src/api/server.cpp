#include "api/server.hpp"

#include <exception>
#include <optional>

#include "api/agent_page/host.hpp"
#include "api/agent_page/pages.hpp"
#include "api/events/hub.hpp"
#include "api/housekeeping.hpp"
#include "api/key_guarded_vault.hpp"
#include "api/metrics.hpp"
#include "api/routes.hpp"
#include "api/security_headers.hpp"
#include "api/web/site.hpp"
#include "base/log.hpp"
#include "http/problem.hpp"
#include "net/http_server.hpp"

namespace deployclaw::api {
namespace {

// What the metrics count pages under.
const http::Route kPages{.method = http::Method::kGet,
                         .pattern = "(pages)",
                         .info = {.operation_id = "page"},
                         .handler = {}};

http::Response bug_answer(const http::Request& request, std::string_view what) {
  log::error("handler threw", {{"request", request.id}, {"cause", what}});
  return http::problem(Error{.code = Code::kInternal, .message = "exception"}, request.id);
}

}  // namespace

struct ApiServer::State {
  State(boost::asio::any_io_executor executor, ServerParts parts, ApiConfig config)
      : hashing("hashing", config.hashing_threads),
        passwords(config.bcrypt_cost),
        background(executor),
        vault_status(parts.vault_status),
        vault(parts.vault, parts.db, parts.vault_status),
        services{.db = parts.db,
                 .vault = vault,
                 .clock = parts.clock,
                 .runtimes = parts.runtimes,
                 .service_catalogue = parts.service_catalogue,
                 .hashing = hashing,
                 .passwords = passwords,
                 .background = background,
                 .metrics = metrics,
                 .events = std::make_shared<events::Hub>(executor),
                 .listen_conninfo = std::move(parts.listen_conninfo),
                 .config = std::move(config)},
        pages(executor, services),
        public_server(executor, [this](http::Request r) { return serve(router, std::move(r)); }),
        internal_server(executor,
                        [this](http::Request r) { return serve(internal, std::move(r)); }) {
    add_health_routes(router, services, vault_status);
    add_resource_routes(router, services);
    add_health_routes(internal, services, vault_status);
    add_metrics_route(internal, services);
    add_gauges();
    public_server.divert(pages.diversion());
  }

  void add_gauges() {
    metrics.add_gauge("http_connections", "Open connections of the public listener.",
                      [this] { return static_cast<double>(public_server.connections()); });
    metrics.add_gauge("event_streams", "Open streams of GET /api/events.",
                      [this] { return static_cast<double>(services.events->streams()); });
    metrics.add_gauge("password_hashes_queued", "Password checks waiting for a thread.",
                      [this] { return static_cast<double>(hashing.queued()); });
    metrics.add_gauge("database_connected", "1 while the database can be reached.",
                      [this] { return services.db.connected() ? 1.0 : 0.0; });
  }

  // A page or a file of one; they come with their own headers.
  std::optional<http::Response> answer_from_site(const http::Request& request) const {
    if (!site || request.path.starts_with("/api/")) return std::nullopt;
    return site->answer(request);
  }

  // One request: find, handle, count, dress. The only place that catches.
  Task<http::Response> serve(const http::Router& routes, http::Request request) {
    const auto began = std::chrono::steady_clock::now();
    const bool is_api = request.path.starts_with("/api/");
    auto match = routes.find(request.method, request.path);
    http::Response response;
    if (match.route == nullptr) {
      auto page = &routes == &router ? answer_from_site(request) : std::nullopt;
      if (page) {
        metrics.observe(&kPages, page->status, std::chrono::steady_clock::now() - began);
        co_return std::move(*page);
      }
      response = http::Router::refuse(match, request);
    } else {
      request.params = std::move(match.params);
      response = co_await handle(*match.route, std::move(request));
    }
    metrics.observe(match.route, response.status, std::chrono::steady_clock::now() - began);
    add_security_headers(services.config, is_api, response);
    co_return response;
  }

  Task<http::Response> handle(const http::Route& route, http::Request request) {
    http::Request asked;
    asked.id = request.id;
    const bool is_read =
        request.method == http::Method::kGet || request.method == http::Method::kHead;
    std::string remote = is_read ? std::string() : client_address(services.config, request);
    http::Response response;
    try {
      auto task = route.handler(std::move(request));
      response = co_await std::move(task);
    } catch (const std::exception& bug) {
      response = bug_answer(asked, bug.what());
    }
    if (!is_read) {
      log::info("request", {{"request", asked.id},
                            {"operation", route.info.operation_id},
                            {"status", response.status},
                            {"ip", remote}});
    }
    co_return response;
  }

  BlockingPool hashing;
  crypto::PasswordHasher passwords;
  TaskGroup background;
  Metrics metrics;
  VaultStatus vault_status;
  KeyGuardedVault vault;
  Services services;
  http::Router router;
  http::Router internal;
  std::optional<web::Site> site;
  agent_page::AgentPages pages;
  net::HttpServer public_server;
  net::HttpServer internal_server;
  std::uint16_t port = 0;
  std::uint16_t internal_port = 0;
};

ApiServer::ApiServer(boost::asio::any_io_executor executor, ServerParts parts, ApiConfig config)
    : state_(std::make_unique<State>(std::move(executor), std::move(parts), std::move(config))) {}

ApiServer::~ApiServer() = default;

Status ApiServer::start() {
  const auto& config = state_->services.config;
  if (auto good = agent_page::check_agents_host(config.agents_host, config.public_origin); !good) {
    return good;
  }
  std::string origin = config.public_origin;
  if (origin.ends_with('/')) origin.pop_back();  // people write URLs
  auto site = web::Site::load(
      {.root = config.web_root, .origin = std::move(origin), .branding = config.branding});
  if (!site) return context("read the pages", site.error());
  state_->site = std::move(*site);
  const auto port = state_->public_server.listen_tcp(config.listen_address, config.listen_port);
  if (!port) return context("listen on the public address", port.error());
  const auto internal =
      state_->internal_server.listen_tcp(config.internal_address, config.internal_port);
  if (!internal) return context("listen on the internal address", internal.error());
  state_->port = *port;
  state_->internal_port = *internal;
  if (!state_->services.listen_conninfo.empty()) {
    state_->services.events->listen(state_->services.listen_conninfo);
  }
  start_housekeeping(state_->services, state_->vault_status);
  log::info("serving",
            {{"address", config.listen_address}, {"port", *port}, {"internal_port", *internal}});
  return {};
}

Task<void> ApiServer::stop() {
  State& state = *state_;
  co_await state.services.events->close();
  co_await state.public_server.stop(state.services.config.stop_grace);
  co_await state.internal_server.stop(std::chrono::milliseconds(100));
  state.background.cancel();
  co_await state.background.join();
}

std::uint16_t ApiServer::port() const { return state_->port; }
std::uint16_t ApiServer::internal_port() const { return state_->internal_port; }
const http::Router& ApiServer::router() const { return state_->router; }
Services& ApiServer::services() { return state_->services; }

}  // namespace deployclaw::api
