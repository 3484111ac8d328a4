#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "api/context.hpp"
#include "api/services.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

namespace deployclaw::api {

// What a route demands of its caller. The defaults suit a plain read.
struct Access {
  Level level = Level::kFull;
  bool fresh = false;  // second factor at most 10 minutes ago on this session
  Role least_role = Role::kViewer;
};

// An Access as http::RouteInfo carries it: bit 0 is level full, bit 1 fresh, bits 2–3 the
// role, bit 4 that the guard is there at all (an open route has 0).
std::uint32_t access_bits(Access access);

// A handler behind the guard. An Error becomes a problem document; nothing of it but reason,
// public_detail and fields leaves.
using Action = std::function<Task<Result<http::Response>>(Principal, http::Request)>;
// A handler that needs no session (register, login).
using OpenAction = std::function<Task<Result<http::Response>>(http::Request)>;

// Lets a request through to `action` only when, in this order:
//   - it carries a session cookie and no Authorization as well (400); a live session (401)
//   - for an unsafe method: Sec-Fetch-Site is same-origin, or absent with a matching Origin, and
//     X-CSRF-Token is this session's (403 csrf_refused); a body is application/json (415)
//   - the session's level (403 two_factor_required), the role (403 role_insufficient), and for an
//     unsafe method behind level full the client is active (403 client_suspended)
//   - freshness (403 two_factor_required with maxAge 600)
// It also keeps the session's last_seen_at current, at most once a minute and off the request's
// path. `services` must outlive the handler.
http::Handler require(Services& services, Access access, Action action);

// What a body may be. A form of a page can be sent without scripts, and so by any site's page.
enum class Bodies : std::uint8_t { kJson, kJsonOrForm };

// For routes that are there before a session is: refuses a cross-site request by whatever of
// Origin and Sec-Fetch-Site is present, and a body of another type (415).
http::Handler require_same_site(Services& services, OpenAction action,
                                Bodies bodies = Bodies::kJson);

// router.add() with require(). `pattern` as in http::Router. API keys (later) are admitted by
// `scope`; "" admits none.
void add_route(http::Router& router, Services& services, http::Method method, std::string pattern,
               std::string operation_id, Access access, Action action, std::string scope = "");

// The caller's address: the peer, or with trusted proxies the last address of X-Forwarded-For that
// is not one of them. Canonical text; IPv4-mapped IPv6 reads as IPv4.
std::string client_address(const ApiConfig& config, const http::Request& request);

// An Error as the answer to this request.
http::Response to_problem(const Error& error, std::string_view request_id);

}  // namespace deployclaw::api
