#pragma once

#include "api/guard.hpp"

// /api/auth: who somebody is, proven by a password and a code. One file per call group; limits in
// api/config.hpp.
namespace deployclaw::api::auth {

void add_routes(http::Router& router, Services& services);

// The handlers, one per call of the contract.
Task<Result<http::Response>> register_account(Services& services, http::Request request);
Task<Result<http::Response>> login(Services& services, http::Request request);
Task<Result<http::Response>> set_up_two_factor(Services& services, Principal principal,
                                               http::Request request);
Task<Result<http::Response>> verify_code(Services& services, Principal principal,
                                         http::Request request);
Task<Result<http::Response>> renew_recovery_codes(Services& services, Principal principal,
                                                  http::Request request);
Task<Result<http::Response>> show_session(Services& services, Principal principal,
                                          http::Request request);
Task<Result<http::Response>> list_sessions(Services& services, Principal principal,
                                           http::Request request);
Task<Result<http::Response>> end_one_session(Services& services, Principal principal,
                                             http::Request request);
Task<Result<http::Response>> end_other_sessions(Services& services, Principal principal,
                                                http::Request request);
Task<Result<http::Response>> logout(Services& services, Principal principal, http::Request request);
Task<Result<http::Response>> change_password(Services& services, Principal principal,
                                             http::Request request);

}  // namespace deployclaw::api::auth
