#include "api/auth/auth.hpp"
#include "api/auth/passwords.hpp"
#include "api/auth/throttle.hpp"
#include "audit/append.hpp"
#include "http/json_body.hpp"
#include "store/known_networks.hpp"
#include "store/sessions.hpp"
#include "store/users.hpp"

namespace deployclaw::api::auth {
namespace {

struct Change {
  Secret current;
  Secret next;
};

Result<Change> read_change(const http::Request& request, const std::string& email) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields fields(*body);
  Change change{.current = given_password(fields, "current"),
                .next = new_password(fields, "next", email)};
  if (change.next.equals(change.current)) fields.error("next", "must differ from the current one");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return change;
}

Task<Status> store_change(Services& services, Principal principal, std::string current,
                          std::string next) {
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto event = audit_event(principal, "password_changed", principal.user.to_string());
  const auto replaced = co_await store::replace_password_hash(*tx, principal.user,
                                                              std::move(current), std::move(next));
  if (!replaced) co_return fail(replaced.error());
  if (!*replaced) {
    co_return fail(Code::kConflict, "password_changed", "The password was changed meanwhile.");
  }
  // Whoever else signed in from somewhere starts as a stranger again.
  const auto forgotten = co_await store::forget_networks(*tx, principal.user);
  if (!forgotten) co_return fail(forgotten.error());
  const auto ended = co_await store::end_other_sessions(*tx, principal.user, principal.session);
  if (!ended) co_return fail(ended.error());
  event.metadata["sessionsEnded"] = *ended;
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  auto committed = co_await tx->commit();
  co_return committed;
}

}  // namespace

Task<Result<http::Response>> change_password(Services& services, Principal principal,
                                             http::Request request) {
  auto change = read_change(request, principal.email);
  if (!change) co_return fail(std::move(change.error()));
  std::vector<std::string> keys{user_key(principal.user)};
  auto attempts = co_await take_attempts(services, "password", std::move(keys));
  if (!attempts) co_return fail(std::move(attempts.error()));
  auto stored = co_await store::find_password_hash(services.db, principal.client, principal.user);
  if (!stored) co_return fail(std::move(stored.error()));
  if (!*stored) co_return fail(Code::kInternal, "the session's user has gone");
  const auto right = co_await verify_password(services, std::move(change->current), **stored);
  if (!right) co_return fail(right.error());
  if (!*right) {
    co_return fail(Code::kUnauthenticated, "invalid_credentials", "The current password is wrong.");
  }
  auto next = co_await hash_password(services, std::move(change->next));
  if (!next) co_return fail(std::move(next.error()));
  const auto changed =
      co_await store_change(services, principal, std::move(**stored), std::move(*next));
  if (!changed) co_return fail(changed.error());
  co_await refund_attempts(services, std::move(*attempts));
  http::Response response;
  response.status = 204;
  co_return response;
}

}  // namespace deployclaw::api::auth
