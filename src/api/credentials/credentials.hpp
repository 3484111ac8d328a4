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
// Whether the service takes it: one harmless call, which egress makes.
Task<Result<http::Response>> test(Services& services, Principal principal, http::Request request);
// kNotFound in the words for a credential.
std::unexpected<Error> no_such_credential();
// The kinds that there are, for the form.
Task<Result<http::Response>> kinds(Services& services, Principal principal, http::Request request);

}  // namespace deployclaw::api::credentials
