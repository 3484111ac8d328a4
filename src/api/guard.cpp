#include "api/guard.hpp"

#include <algorithm>
#include <memory>

#include "api/auth/session.hpp"
#include "api/auth/tokens.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "http/ascii.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "store/sessions.hpp"

namespace deployclaw::api {
namespace {

bool is_unsafe(http::Method method) {
  return method != http::Method::kGet && method != http::Method::kHead &&
         method != http::Method::kOptions;
}

// Scheme and authority as a browser writes them. Without a configured origin the scheme is left
// open (TLS may end before us); the authority is the one the browser sent the request to.
bool origin_matches(const ApiConfig& config, const http::Request& request,
                    std::string_view origin) {
  std::string_view configured = config.public_origin;
  if (configured.ends_with('/')) configured.remove_suffix(1);  // people write URLs
  if (!configured.empty()) return origin == configured;
  const auto host = request.headers.get("host");
  if (!host) return false;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (origin.starts_with(scheme)) {
      return http::equals_ignoring_case(origin.substr(scheme.size()), *host);
    }
  }
  return false;
}

std::unexpected<Error> csrf_refused() {
  return fail(Code::kForbidden, "csrf_refused",
              "The request does not prove that it comes from this site's own pages.");
}

// A form or page of another site can send our cookie's browser here, but it can neither set these
// fields nor read the token.
Status check_csrf(const ApiConfig& config, const http::Request& request, std::string_view token) {
  const auto site = request.headers.get("sec-fetch-site");
  if (site) {
    if (*site != "same-origin") return csrf_refused();
  } else {
    const auto origin = request.headers.get("origin");
    if (!origin || !origin_matches(config, request, *origin)) return csrf_refused();
  }
  const auto sent = request.headers.get("x-csrf-token");
  const std::string expected = csrf_token(token);
  if (!sent || !equal_constant_time(bytes_of(*sent), bytes_of(expected))) return csrf_refused();
  return {};
}

// There is no session to protect yet, but signing somebody in as somebody else is an attack too.
Status check_same_site(const ApiConfig& config, const http::Request& request) {
  const auto site = request.headers.get("sec-fetch-site");
  if (site) return *site == "same-origin" ? Status{} : csrf_refused();
  const auto origin = request.headers.get("origin");
  if (origin && !origin_matches(config, request, *origin)) return csrf_refused();
  return {};
}

Status check_content_type(const http::Request& request) {
  if (request.body.empty() || http::has_json_content_type(request)) return {};
  return fail(Code::kUnsupported, "unsupported_media_type",
              "The body must be application/json in UTF-8.");
}

std::unexpected<Error> second_factor_needed(std::string detail) {
  return fail(Code::kForbidden, "two_factor_required", std::move(detail));
}

Status check_access(const Access& access, const Principal& principal, bool unsafe) {
  if (access.level == Level::kFull) {
    if (principal.level != Level::kFull) {
      return second_factor_needed("Verify your second factor to go on.");
    }
    if (unsafe && principal.client_status != "active") {
      return fail(Code::kForbidden, "client_suspended",
                  "This account is suspended: it can be read, but not changed.");
    }
  }
  if (principal.role < access.least_role) {
    return fail(Code::kForbidden, "role_insufficient",
                "Your role does not allow this: it takes " +
                    std::string(to_string(access.least_role)) + ".");
  }
  if (access.fresh && !principal.fresh) {
    return second_factor_needed("Verify your second factor again to do this.");
  }
  return {};
}

Task<void> touch(Services& services, ClientId client, SessionId session, Time now) {
  const auto touched = co_await store::touch_session(services.db, client, session, now);
  if (!touched) log::warn("session not touched", {{"cause", touched.error().message}});
}

Task<Result<Principal>> admit(Services& services, const Access& access,
                              const http::Request& request) {
  auto token = presented_token(request);
  if (!token) co_return fail(std::move(token.error()));
  std::string ip = client_address(services.config, request);
  std::string request_id = request.id;
  auto found = co_await authenticate(services, *token, std::move(ip), std::move(request_id));
  if (!found) co_return fail(std::move(found.error()));
  const bool unsafe = is_unsafe(request.method);
  if (unsafe) {
    if (auto ok = check_csrf(services.config, request, *token); !ok) co_return fail(ok.error());
    if (auto ok = check_content_type(request); !ok) co_return fail(ok.error());
  }
  wipe_string(*token);
  if (auto ok = check_access(access, found->principal, unsafe); !ok) co_return fail(ok.error());
  const Time now = services.clock.now();
  if (found->last_seen_at + std::chrono::minutes(1) <= now) {
    services.background.spawn(
        "touch session", touch(services, found->principal.client, found->principal.session, now));
  }
  co_return std::move(found->principal);
}

Task<http::Response> guarded(Services& services, Access access,
                             std::shared_ptr<const Action> action, http::Request request) {
  const std::string request_id = request.id;
  auto principal = co_await admit(services, access, request);
  if (!principal) co_return to_problem(principal.error(), request_id);
  auto answer = co_await (*action)(std::move(*principal), std::move(request));
  if (!answer) co_return to_problem(answer.error(), request_id);
  co_return std::move(*answer);
}

bool is_form(const http::Request& request) {
  const auto type = request.headers.get("content-type").value_or("");
  return http::equals_ignoring_case(http::trim_ows(type.substr(0, type.find(';'))),
                                    "application/x-www-form-urlencoded");
}

Task<http::Response> guarded_open(Services& services, std::shared_ptr<const OpenAction> action,
                                  Bodies bodies, http::Request request) {
  const std::string request_id = request.id;
  auto same_site = check_same_site(services.config, request);
  if (same_site && !(bodies == Bodies::kJsonOrForm && is_form(request))) {
    same_site = check_content_type(request);
  }
  if (!same_site) co_return to_problem(same_site.error(), request_id);
  auto answer = co_await (*action)(std::move(request));
  if (!answer) co_return to_problem(answer.error(), request_id);
  co_return std::move(*answer);
}

}  // namespace

std::uint32_t access_bits(Access access) {
  return 16U | (access.level == Level::kFull ? 1U : 0U) | (access.fresh ? 2U : 0U) |
         (static_cast<std::uint32_t>(access.least_role) << 2U);
}

http::Handler require(Services& services, Access access, Action action) {
  auto shared = std::make_shared<const Action>(std::move(action));
  return [&services, access, shared](http::Request request) {
    return guarded(services, access, shared, std::move(request));
  };
}

http::Handler require_same_site(Services& services, OpenAction action, Bodies bodies) {
  auto shared = std::make_shared<const OpenAction>(std::move(action));
  return [&services, shared, bodies](http::Request request) {
    return guarded_open(services, shared, bodies, std::move(request));
  };
}

void add_route(http::Router& router, Services& services, http::Method method, std::string pattern,
               std::string operation_id, Access access, Action action, std::string scope) {
  http::RouteInfo info{.operation_id = std::move(operation_id),
                       .access = access_bits(access),
                       .scope = std::move(scope)};
  router.add(method, std::move(pattern), std::move(info),
             require(services, access, std::move(action)));
}

http::Response to_problem(const Error& error, std::string_view request_id) {
  http::ProblemMembers members;
  if (error.reason == "two_factor_required") {
    members.emplace_back("maxAge", std::chrono::seconds(limits::kFresh).count());
  }
  auto response = http::problem(error, request_id, std::move(members));
  if (response.status >= 500) {
    log::error(
        "request failed",
        {{"request", request_id}, {"code", to_string(error.code)}, {"cause", error.message}});
  }
  if (error.code == Code::kRateLimited) {
    // draft-ietf-httpapi-ratelimit-headers: quota, window; nothing left, seconds until there is.
    const auto window = std::chrono::seconds(limits::kAttemptWindow).count();
    response.headers.set("RateLimit-Policy", "\"attempts\";q=" + std::to_string(limits::kAttempts) +
                                                 ";w=" + std::to_string(window));
    response.headers.set("RateLimit",
                         "\"attempts\";r=0;t=" + std::to_string(error.retry_after_seconds));
  }
  return response;
}

}  // namespace deployclaw::api
