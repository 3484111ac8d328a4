#pragma once

#include "api/guard.hpp"

// /api/agents/:id/credentials: secrets that go in and never come out.
namespace deployclaw::api::credentials {

void add_routes(http::Router& router, Services& services);

Task<Result<http::Response>> list(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> add(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> replace(Services& services, Principal principal,
                                     http::Request request);
Task<Result<http::Response>> remove(Services& services, Principal principal, http::Request request);
// The kinds that there are, for the form.
Task<Result<http::Response>> kinds(Services& services, Principal principal, http::Request request);

}  // namespace deployclaw::api::credentials
