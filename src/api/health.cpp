#include "api/health.hpp"

#include <boost/json/array.hpp>
#include <memory>

#include "api/key_guarded_vault.hpp"
#include "api/metrics.hpp"
#include "base/log.hpp"
#include "http/problem.hpp"
#include "store/platform.hpp"

namespace deployclaw::api {
namespace json = boost::json;
namespace {

struct Check {
  std::string_view name;
  Status result;
};

// One answer for all of a check's troubles: the cause is in the log.
json::object check_json(const Check& check) {
  json::object out{{"name", json::string_view(check.name)}, {"status", "ok"}};
  if (!check.result) {
    out["status"] = "failing";
    out["detail"] = json::string_view(check.result.error().public_detail.empty()
                                          ? "It does not answer."
                                          : std::string_view(check.result.error().public_detail));
  }
  return out;
}

Task<Status> check_migrations(Services& services) {
  const auto pending = co_await store::schema_is_current(services.db);
  if (!pending) co_return fail(pending.error());
  if (*pending) co_return Status{};
  co_return fail(Code::kUnavailable, "schema_outdated",
                 "The database schema is not this version's; run 'deployclaw migrate'.");
}

Task<http::Response> ready(Services& services, std::shared_ptr<const VaultStatus> ask) {
  Check database{.name = "database", .result = {}};
  database.result = co_await store::ping(services.db);
  Check migrations{.name = "migrations", .result = {}};
  migrations.result = co_await check_migrations(services);
  Check vault{.name = "vault", .result = {}};
  auto vault_status = *ask;
  vault.result = co_await check_vault_keys(services.db, std::move(vault_status));

  bool all = true;
  json::array checks;
  for (const Check* check : {&database, &migrations, &vault}) {
    checks.push_back(check_json(*check));
    if (check->result) continue;
    all = false;
    log::warn("not ready", {{"check", check->name}, {"cause", check->result.error().message}});
  }
  co_return http::json_response(
      all ? 200 : 503, {{"status", all ? "ready" : "not ready"}, {"checks", std::move(checks)}});
}

Task<http::Response> alive() { co_return http::json_response(200, {{"status", "ok"}}); }

Task<http::Response> metrics(Services& services) {
  http::Response response;
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = services.metrics.render();
  co_return response;
}

}  // namespace

void add_health_routes(http::Router& router, Services& services, VaultStatus vault_status) {
  auto ask = std::make_shared<const VaultStatus>(std::move(vault_status));
  router.add(http::Method::kGet, "/healthz", {.operation_id = "getHealth"},
             [](http::Request /*request*/) { return alive(); });
  router.add(http::Method::kGet, "/readyz", {.operation_id = "getReadiness"},
             [&services, ask](http::Request /*request*/) { return ready(services, ask); });
}

void add_metrics_route(http::Router& router, Services& services) {
  router.add(http::Method::kGet, "/metrics", {.operation_id = "getMetrics"},
             [&services](http::Request /*request*/) { return metrics(services); });
}

}  // namespace deployclaw::api
