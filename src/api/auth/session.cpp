#include "api/auth/session.hpp"

#include <algorithm>

#include "api/auth/tokens.hpp"
#include "store/sessions.hpp"

namespace deployclaw::api {
namespace {

std::unexpected<Error> not_signed_in() {
  return fail(Code::kUnauthenticated, "unauthenticated", "Sign in to do this.");
}

Result<Principal> to_principal(store::FoundSession found, Time now) {
  const auto role = parse_role(found.role);
  if (!role) return fail(Code::kInternal, "user has an unknown role: " + found.role);
  Principal principal;
  principal.user = found.user;
  principal.email = std::move(found.email);
  principal.role = *role;
  principal.two_factor_enabled = found.totp_enabled;
  principal.user_created_at = found.user_created_at;
  principal.client = found.client;
  principal.client_name = std::move(found.client_name);
  principal.plan = std::move(found.plan);
  principal.client_status = std::move(found.client_status);
  principal.client_created_at = found.client_created_at;
  principal.session = found.id;
  principal.level = found.level == "full" ? Level::kFull : Level::kPassword;
  principal.second_factor_at = found.second_factor_at;
  principal.session_created_at = found.created_at;
  principal.session_expires_at = found.expires_at;
  principal.fresh = principal.level == Level::kFull && found.second_factor_at &&
                    now - *found.second_factor_at <= limits::kFresh;
  return principal;
}

}  // namespace

Result<std::string> presented_token(const http::Request& request) {
  const auto authorization = request.headers.get("authorization");
  const bool has_cookie = request.cookie(kSessionCookie).has_value();
  if (authorization && has_cookie) {
    return fail(Code::kMalformed, "ambiguous_credentials",
                "Send a session cookie or an Authorization field, not both.");
  }
  if (authorization) {
    return fail(Code::kUnauthenticated, "invalid_token",
                "This token is not valid. API keys are not available yet; sign in instead.");
  }
  auto token = session_token(request);
  if (!token) return not_signed_in();
  return std::move(*token);
}

Task<Result<Authenticated>> authenticate(Services& services, std::string token, std::string ip,
                                         std::string request_id) {
  const auto hash = hash_session_token(token);
  auto found = co_await store::find_session(services.db, hash);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return not_signed_in();
  auto& session = **found;
  // The database has judged by its clock; this judges by ours, and the stricter one counts.
  const Time now = services.clock.now();
  if (session.expires_at <= now || session.last_seen_at + limits::kIdle <= now) {
    co_return not_signed_in();
  }
  const Time last_seen_at = session.last_seen_at;
  auto principal = to_principal(std::move(session), now);
  if (!principal) co_return fail(std::move(principal.error()));
  principal->ip = std::move(ip);
  principal->request_id = std::move(request_id);
  co_return Authenticated{.principal = std::move(*principal), .last_seen_at = last_seen_at};
}

Task<Result<std::string>> issue_session(db::Transaction& tx, SessionSeed seed) {
  std::string token = new_session_token();
  const auto lifetime = seed.level == Level::kFull ? std::chrono::seconds(limits::kAbsolute)
                                                   : std::chrono::seconds(limits::kPasswordLevel);
  const Time expires_at = seed.expires_at.value_or(seed.now + lifetime);
  store::NewSession session{.client = seed.client,
                            .user = seed.user,
                            .token_hash = hash_session_token(token),
                            .level = std::string(to_string(seed.level)),
                            .second_factor_at = seed.second_factor_at,
                            .ip = std::move(seed.ip),
                            .user_agent = std::move(seed.user_agent),
                            .created_at = seed.created_at.value_or(seed.now),
                            .now = seed.now,
                            .expires_at = expires_at};
  auto inserted = co_await store::insert_session(tx, std::move(session));
  if (!inserted) co_return fail(std::move(inserted.error()));
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(expires_at - seed.now);
  std::string cookie = session_cookie(token, left);
  wipe_string(token);
  co_return cookie;
}

std::string clean_user_agent(const http::Request& request) {
  std::string agent(request.headers.get("user-agent").value_or(""));
  if (agent.size() > 256) agent.resize(256);
  std::ranges::replace_if(agent, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return agent;
}

}  // namespace deployclaw::api
