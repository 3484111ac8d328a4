#include "api/auth/auth.hpp"
#include "api/auth/email.hpp"
#include "api/auth/passwords.hpp"
#include "api/auth/session.hpp"
#include "api/auth/throttle.hpp"
#include "api/auth/tokens.hpp"
#include "api/client_address.hpp"
#include "audit/append.hpp"
#include "base/log.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "store/known_networks.hpp"
#include "store/sessions.hpp"
#include "store/users.hpp"

namespace deployclaw::api::auth {
namespace {

struct Credentials {
  std::string email;
  Secret password;
};

Result<Credentials> read_credentials(const http::Request& request) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields fields(*body);
  const auto email = fields.required_string("email", {.min = 1, .max = 254});
  Credentials credentials;
  // What is no address is nobody's: it goes the way of an unknown account.
  credentials.email = normalise_email(email).value_or(email);
  credentials.password = given_password(fields, "password");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return credentials;
}

audit::Event event_for(const store::LoginUser& user, std::string action, std::string ip) {
  Principal principal;
  principal.user = user.id;
  principal.client = user.client;
  principal.ip = std::move(ip);
  return audit_event(principal, std::move(action), user.id.to_string());
}

Task<void> record_failure(Services& services, audit::Event event) {
  std::vector<audit::Event> events;
  events.push_back(std::move(event));
  const auto recorded = co_await audit::append(services.db, std::move(events));
  if (!recorded) log::error("failed login not recorded", {{"cause", recorded.error().message}});
}

// Attempts from a network where the user has proven both factors are counted apart: a stranger can
// use up the account's attempts, but not lock its owner out. Nobody's network is looked for too.
Task<Result<std::string>> account_key_from(Services& services, std::optional<store::LoginUser> user,
                                           std::string email, std::string ip) {
  const ClientId client = user ? user->client : ClientId::random();
  const UserId id = user ? user->id : UserId::random();
  auto network = attempt_network(ip);
  const auto known =
      co_await store::is_known_network(services.db, client, id, network, services.clock.now());
  if (!known) co_return fail(known.error());
  co_return *known ? account_key(email) + "@" + network : account_key(email);
}

// A session that the browser still holds ends here, so that signing in never leaves two behind.
Task<void> end_presented_session(Services& services, std::string token) {
  const auto hash = hash_session_token(token);
  const auto found = co_await store::find_session(services.db, hash);
  if (!found || !*found) co_return;
  auto tx = co_await services.db.begin((*found)->client);
  if (!tx) co_return;
  const auto ended = co_await store::end_session(*tx, (*found)->user, (*found)->id);
  if (ended) co_await tx->commit();
}

Task<Result<std::string>> open_session(Services& services, store::LoginUser user,
                                       SessionSeed seed) {
  auto tx = co_await services.db.begin(user.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto event = event_for(user, "user_login", seed.ip);
  auto cookie = co_await issue_session(*tx, std::move(seed));
  if (!cookie) co_return fail(std::move(cookie.error()));
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  const auto committed = co_await tx->commit();
  if (!committed) co_return fail(committed.error());
  co_return cookie;
}

}  // namespace

// Whether the account exists changes neither the answer nor the work done before it: attempts are
// counted under the address as typed, a network is looked up, a hash is always verified, and the
// record of a failure (which needs an account to belong to) is written after the answer.
Task<Result<http::Response>> login(Services& services, http::Request request) {
  auto given = read_credentials(request);
  if (!given) co_return fail(std::move(given.error()));
  std::string ip = client_address(services.config, request);
  auto user = co_await store::find_login(services.db, given->email);
  if (!user) co_return fail(std::move(user.error()));
  auto account = co_await account_key_from(services, *user, given->email, ip);
  if (!account) co_return fail(std::move(account.error()));
  std::vector<std::string> keys{network_key(ip), std::move(*account)};
  auto attempts = co_await take_attempts(services, "login", std::move(keys));
  if (!attempts) co_return fail(std::move(attempts.error()));

  std::string hash = *user ? (*user)->password_hash : services.passwords.dummy_hash();
  const auto right =
      co_await verify_password(services, std::move(given->password), std::move(hash));
  if (!right) {
    co_await refund_attempts(services, std::move(*attempts));
    co_return fail(right.error());
  }
  if (!*user || !*right) {
    if (*user) {
      auto event = event_for(**user, "login_failed", ip);
      event.outcome = "failure";
      services.background.spawn("record failed login", record_failure(services, std::move(event)));
    }
    co_return fail(Code::kUnauthenticated, "invalid_credentials",
                   "The e-mail address or the password is wrong.");
  }

  if (auto old = session_token(request)) co_await end_presented_session(services, std::move(*old));
  SessionSeed seed{.client = (*user)->client,
                   .user = (*user)->id,
                   .ip = std::move(ip),
                   .user_agent = clean_user_agent(request),
                   .now = services.clock.now()};
  auto cookie = co_await open_session(services, **user, std::move(seed));
  co_await refund_attempts(services, std::move(*attempts));
  if (!cookie) co_return fail(std::move(cookie.error()));
  auto response =
      http::json_response(200, {{"twoFactor", (*user)->totp_enabled ? "required" : "setup"}});
  response.headers.add("Set-Cookie", std::move(*cookie));
  co_return response;
}

}  // namespace deployclaw::api::auth
