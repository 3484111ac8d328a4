#pragma once

#include "api/guard.hpp"

// /api/approvals and /api/agents/:id/approvals: requests that wait for a person's yes.
namespace deployclaw::api::approvals {

void add_routes(http::Router& router, Services& services);

// Of all agents, and of one; newest first, with how many wait.
Task<Result<http::Response>> list_all(Services& services, Principal principal,
                                      http::Request request);
Task<Result<http::Response>> list_of_agent(Services& services, Principal principal,
                                           http::Request request);
// One with all of its request, however large.
Task<Result<http::Response>> show(Services& services, Principal principal, http::Request request);

// 409 approval_not_pending when it has expired or is decided already. A person's, from a session
// whose second factor is fresh: never a program's.
Task<Result<http::Response>> grant(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> deny(Services& services, Principal principal, http::Request request);

}  // namespace deployclaw::api::approvals
