#include "store/sessions.hpp"

#include "api/auth/auth.hpp"
#include "api/auth/tokens.hpp"
#include "api/auth/views.hpp"
#include "audit/append.hpp"
#include "http/problem.hpp"

namespace deployclaw::api::auth {
namespace json = boost::json;
namespace {

json::value time_or_null(std::optional<Time> time) {
  return time ? json::value(format_time(*time)) : json::value(nullptr);
}

http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

json::object session_json(const store::ListedSession& session, SessionId current) {
  return {{"id", session.id.to_string()},
          {"current", session.id == current},
          {"level", session.level},
          {"device", session.user_agent},
          {"ip", session.ip.empty() ? json::value(nullptr) : json::value(session.ip)},
          {"createdAt", format_time(session.created_at)},
          {"lastSeenAt", format_time(session.last_seen_at)},
          {"expiresAt", format_time(session.expires_at)}};
}

// Appends the record and commits.
Task<Status> finish(db::Transaction& tx, audit::Event event) {
  const auto recorded = co_await audit::append(tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  auto committed = co_await tx.commit();
  co_return committed;
}

Task<Status> end(Services& services, Principal principal, SessionId session) {
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto ended = co_await store::end_session(*tx, principal.user, session);
  if (!ended) co_return fail(ended.error());
  if (!*ended) co_return fail(Code::kNotFound, "no such session");
  auto event = audit_event(principal, "session_ended", session.to_string());
  auto finished = co_await finish(*tx, std::move(event));
  co_return finished;
}

}  // namespace

Task<Result<http::Response>> show_session(Services& /*services*/, Principal principal,
                                          http::Request request) {
  std::optional<Time> fresh_until;
  if (principal.level == Level::kFull && principal.second_factor_at) {
    fresh_until = *principal.second_factor_at + limits::kFresh;
  }
  const auto token = session_token(request);
  co_return http::json_response(200, {{"level", json::string_view(to_string(principal.level))},
                                      {"fresh", principal.fresh},
                                      {"freshUntil", time_or_null(fresh_until)},
                                      {"expiresAt", format_time(principal.session_expires_at)},
                                      {"csrfToken", csrf_token(token.value_or(""))},
                                      {"user", user_json(principal)},
                                      {"client", client_json(principal)}});
}

Task<Result<http::Response>> list_sessions(Services& services, Principal principal,
                                           http::Request /*request*/) {
  const auto sessions = co_await store::list_sessions(services.db, principal.client, principal.user,
                                                      services.clock.now());
  if (!sessions) co_return fail(sessions.error());
  json::array items;
  for (const auto& session : *sessions) items.push_back(session_json(session, principal.session));
  co_return http::json_response(200, {{"items", std::move(items)}, {"nextCursor", nullptr}});
}

Task<Result<http::Response>> end_one_session(Services& services, Principal principal,
                                             http::Request request) {
  const auto id = SessionId::parse(request.param("id"));
  if (!id) co_return fail(Code::kNotFound, "no such session");
  const auto ended = co_await end(services, principal, *id);
  if (!ended) co_return fail(ended.error());
  auto response = no_content();
  if (*id == principal.session) response.headers.add("Set-Cookie", expired_session_cookie());
  co_return response;
}

Task<Result<http::Response>> end_other_sessions(Services& services, Principal principal,
                                                http::Request /*request*/) {
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto ended = co_await store::end_other_sessions(*tx, principal.user, principal.session);
  if (!ended) co_return fail(ended.error());
  auto event = audit_event(principal, "session_ended", "all others");
  event.metadata["ended"] = *ended;
  const auto finished = co_await finish(*tx, std::move(event));
  if (!finished) co_return fail(finished.error());
  co_return no_content();
}

Task<Result<http::Response>> logout(Services& services, Principal principal,
                                    http::Request /*request*/) {
  const auto session = principal.session;
  const auto ended = co_await end(services, std::move(principal), session);
  if (!ended && ended.error().code != Code::kNotFound) co_return fail(ended.error());
  auto response = no_content();
  response.headers.add("Set-Cookie", expired_session_cookie());
  co_return response;
}

}  // namespace deployclaw::api::auth
