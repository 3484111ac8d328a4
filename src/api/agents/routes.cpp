#include "api/agents/agents.hpp"
#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"

namespace deployclaw::api::agents {

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  const Access read{};
  const Access operate{.fresh = true, .least_role = Role::kMember};
  const Access destroy{.fresh = true, .least_role = Role::kAdmin};
  const auto get = [&](std::string pattern, std::string operation, Handle handle) {
    add_route(router, services, Method::kGet, std::move(pattern), std::move(operation), read,
              bind_action(services, handle), "agents:read");
  };
  const auto post = [&](std::string pattern, std::string operation, Handle handle) {
    add_route(router, services, Method::kPost, std::move(pattern), std::move(operation), operate,
              idempotent(services, bind_action(services, handle)), "agents:write");
  };

  get("/api/agents", "listAgents", list);
  post("/api/agents", "createAgent", create);
  get("/api/agents/:id", "getAgent", show);
  add_route(router, services, Method::kPatch, "/api/agents/:id", "changeAgent", operate,
            bind_action(services, change), "agents:write");
  add_route(router, services, Method::kDelete, "/api/agents/:id", "deleteAgent", destroy,
            bind_action(services, remove), "agents:write");
  post("/api/agents/:id/restart", "restartAgent", restart);
  post("/api/agents/:id/start", "startAgent", start);
  post("/api/agents/:id/stop", "stopAgent", stop);
  get("/api/agents/:id/deployments", "listDeployments", show_deployments);
  get("/api/agents/:id/deployments/:deployment", "getDeployment", show_deployment);
  post("/api/agents/:id/deployments/:deployment/restore", "restoreDeployment", restore);
  get("/api/agents/:id/health", "getAgentHealth", show_health);
  get("/api/agents/:id/metrics", "getAgentMetrics", show_metrics);
}

}  // namespace deployclaw::api::agents
