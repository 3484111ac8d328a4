#include "api/auth/auth.hpp"

namespace deployclaw::api::auth {
namespace {

using Handle = Task<Result<http::Response>> (*)(Services&, Principal, http::Request);
using OpenHandle = Task<Result<http::Response>> (*)(Services&, http::Request);

Action bind(Services& services, Handle handle) {
  return [&services, handle](Principal principal, http::Request request) {
    return handle(services, std::move(principal), std::move(request));
  };
}

void add_open(http::Router& router, Services& services, std::string pattern,
              std::string operation_id, OpenHandle handle) {
  OpenAction action = [&services, handle](http::Request request) {
    return handle(services, std::move(request));
  };
  router.add(http::Method::kPost, std::move(pattern), {.operation_id = std::move(operation_id)},
             require_same_site(services, std::move(action)));
}

}  // namespace

// Two-factor set-up and verification are the only writes that a password-level session may do, and
// logout. Set-up checks for itself that changing an enabled second factor is done from a fresh
// session.
void add_routes(http::Router& router, Services& services) {
  using http::Method;
  const Access half{.level = Level::kPassword};
  const Access full{};
  const Access fresh{.fresh = true};

  add_open(router, services, "/api/auth/register", "register", register_account);
  add_open(router, services, "/api/auth/login", "login", login);
  add_route(router, services, Method::kPost, "/api/auth/2fa/setup", "setUpTwoFactor", half,
            bind(services, set_up_two_factor));
  add_route(router, services, Method::kPost, "/api/auth/2fa/verify", "verifyCode", half,
            bind(services, verify_code));
  add_route(router, services, Method::kPost, "/api/auth/recovery-codes", "renewRecoveryCodes",
            fresh, bind(services, renew_recovery_codes));
  add_route(router, services, Method::kGet, "/api/auth/session", "getSession", half,
            bind(services, show_session));
  add_route(router, services, Method::kGet, "/api/auth/sessions", "listSessions", full,
            bind(services, list_sessions));
  add_route(router, services, Method::kDelete, "/api/auth/sessions", "endOtherSessions", full,
            bind(services, end_other_sessions));
  add_route(router, services, Method::kDelete, "/api/auth/sessions/:id", "endSession", full,
            bind(services, end_one_session));
  add_route(router, services, Method::kPost, "/api/auth/password", "changePassword", fresh,
            bind(services, change_password));
  add_route(router, services, Method::kPost, "/api/auth/logout", "logout", half,
            bind(services, logout));
}

}  // namespace deployclaw::api::auth
