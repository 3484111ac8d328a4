#pragma once

#include "api/guard.hpp"

// What an agent's permissions mean: why a request is refused, what a draft would have changed, what
// its owner might want to allow. Nothing here changes anything.
namespace deployclaw::api::policy {

void add_routes(http::Router& router, Services& services);

// POST /api/agents/:id/policy/explain
Task<Result<http::Response>> explain(Services& services, Principal principal,
                                     http::Request request);
// POST /api/agents/:id/policy/replay
Task<Result<http::Response>> replay(Services& services, Principal principal, http::Request request);
// GET /api/agents/:id/suggestions
Task<Result<http::Response>> suggestions(Services& services, Principal principal,
                                         http::Request request);

}  // namespace deployclaw::api::policy
