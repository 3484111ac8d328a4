#pragma once

#include "api/guard.hpp"

// /api/agents: what the owner wants. A change here is one transaction that stores the wish, queues
// a deployment and appends the audit record; the orchestrator does the rest.
namespace deployclaw::api::agents {

void add_routes(http::Router& router, Services& services);

Task<Result<http::Response>> list(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> show(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> show_deployments(Services& services, Principal principal,
                                              http::Request request);
Task<Result<http::Response>> show_deployment(Services& services, Principal principal,
                                             http::Request request);
Task<Result<http::Response>> show_health(Services& services, Principal principal,
                                         http::Request request);
Task<Result<http::Response>> show_metrics(Services& services, Principal principal,
                                          http::Request request);
Task<Result<http::Response>> create(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> change(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> restore(Services& services, Principal principal,
                                     http::Request request);
Task<Result<http::Response>> start(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> stop(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> restart(Services& services, Principal principal,
                                     http::Request request);
Task<Result<http::Response>> remove(Services& services, Principal principal, http::Request request);

}  // namespace deployclaw::api::agents
