#include "api/policy/policy.hpp"
#include "api/rendering/bind.hpp"

namespace deployclaw::api::policy {

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  add_route(router, services, Method::kPost, "/api/agents/:id/policy/explain", "explainPolicy",
            Access{}, bind_action(services, explain), "agents:read");
  add_route(router, services, Method::kPost, "/api/agents/:id/policy/replay", "replayPolicy",
            Access{}, bind_action(services, replay), "agents:read");
  add_route(router, services, Method::kGet, "/api/agents/:id/suggestions", "listSuggestions",
            Access{}, bind_action(services, suggestions), "agents:read");
}

}  // namespace deployclaw::api::policy
