#include <boost/json/value_from.hpp>
#include <utility>

#include "api/auth/auth.hpp"
#include "api/auth/session.hpp"
#include "api/auth/throttle.hpp"
#include "api/auth/two_factor.hpp"
#include "api/auth/views.hpp"
#include "api/client_address.hpp"
#include "audit/append.hpp"
#include "base/log.hpp"
#include "crypto/recovery_code.hpp"
#include "crypto/totp.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "store/known_networks.hpp"
#include "store/recovery_codes.hpp"
#include "store/sessions.hpp"

namespace deployclaw::api::auth {
namespace json = boost::json;
namespace {

// What a right code does.
enum class Purpose {
  kEnrol,     // proves the first secret and turns two-factor on
  kLogin,     // lifts a password-level session to full
  kRecovery,  // the same, by a recovery code
  kStepUp,    // makes a full session fresh again
  kReplace,   // proves a new secret and puts it in the old one's place
};

std::string_view to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::kEnrol:
      return "enrolment";
    case Purpose::kLogin:
      return "login";
    case Purpose::kRecovery:
      return "recovery";
    case Purpose::kStepUp:
      return "step-up";
    case Purpose::kReplace:
      return "replacement";
  }
  return "";
}

// A code that fits, and what it was checked against.
struct Match {
  Purpose purpose = Purpose::kLogin;
  json::object sealed = {};  // not for kRecovery
  std::int64_t step = 0;
  crypto::Sha256Digest recovery_hash = {};
};

Error wrong_code() {
  return {.code = Code::kUnauthenticated,
          .message = "wrong code",
          .reason = "invalid_code",
          .public_detail = "This code is wrong, too old, or was used before."};
}

bool is_wrong_code(const Error& error) { return error.reason == "invalid_code"; }

Result<std::string> read_code(const http::Request& request) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields fields(*body);
  auto code = fields.required_string("code", {.min = 1, .max = 64});
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return code;
}

// The step of `code` under a sealed secret; wrong_code() when there is none.
Task<Result<std::int64_t>> match_sealed(Services& services, vault::SealContext context,
                                        json::object sealed, std::string code,
                                        std::optional<std::int64_t> last_step) {
  auto secret = co_await services.vault.open(std::move(context), std::move(sealed));
  if (!secret) co_return fail(std::move(secret.error()));
  const auto step = crypto::match_totp(*secret, code, services.clock.now(), last_step);
  if (!step) co_return fail(wrong_code());
  co_return *step;
}

// Which of the user's secrets the code fits. Nothing is decided here: whether the code is still
// unused says the update in accept().
Task<Result<Match>> match(Services& services, Principal principal, std::string code) {
  auto factor = co_await load_second_factor(services, principal.client, principal.user);
  if (!factor) co_return fail(std::move(factor.error()));
  const auto context = totp_context(principal.client, principal.user, factor->client_salt);
  const bool login = principal.level == Level::kPassword;
  if (!factor->secret) {
    co_return fail(Code::kConflict, "two_factor_not_set_up",
                   "Set two-factor up first: there is no secret to check the code against.");
  }
  if (!crypto::is_totp_code(code)) {
    const auto hash = crypto::hash_recovery_code(code);
    if (!hash || !login || !factor->enabled) co_return fail(wrong_code());
    co_return Match{.purpose = Purpose::kRecovery, .recovery_hash = *hash};
  }

  Match found;
  found.purpose = !factor->enabled ? Purpose::kEnrol : login ? Purpose::kLogin : Purpose::kStepUp;
  found.sealed = *factor->secret;
  auto step = co_await match_sealed(services, context, *factor->secret, code, factor->last_step);
  if (!step && is_wrong_code(step.error()) && principal.fresh && factor->pending) {
    found.purpose = Purpose::kReplace;
    found.sealed = *factor->pending;
    const std::optional<std::int64_t> none;
    step = co_await match_sealed(services, context, *factor->pending, code, none);
  }
  if (!step) co_return fail(std::move(step.error()));
  found.step = *step;
  co_return found;
}

// Uses the code up. false: another request was faster, or the secret has changed.
Task<Result<bool>> use(db::Transaction& tx, UserId user, Match match, Time now) {
  switch (match.purpose) {
    case Purpose::kEnrol: {
      auto used = co_await store::enable_two_factor(tx, user, std::move(match.sealed), match.step);
      co_return used;
    }
    case Purpose::kReplace: {
      auto used = co_await store::replace_two_factor(tx, user, std::move(match.sealed), match.step);
      co_return used;
    }
    case Purpose::kRecovery: {
      const auto left = co_await store::use_recovery_code(tx, user, match.recovery_hash, now);
      if (!left) co_return fail(left.error());
      co_return left->has_value();
    }
    case Purpose::kLogin:
    case Purpose::kStepUp:
      break;
  }
  auto used = co_await store::accept_step(tx, user, std::move(match.sealed), match.step);
  co_return used;
}

// Ends the session that asked and opens the one it becomes. A new factor ends all others too: who
// signed in without it has to do so again.
Task<Result<std::string>> rotate_session(db::Transaction& tx, Principal principal, Purpose purpose,
                                         SessionSeed seed) {
  const auto ended = co_await store::end_session(tx, principal.user, principal.session);
  if (!ended) co_return fail(ended.error());
  if (!*ended) co_return fail(Code::kUnauthenticated, "unauthenticated", "Sign in to do this.");
  if (purpose == Purpose::kEnrol || purpose == Purpose::kReplace) {
    const auto others = co_await store::end_other_sessions(tx, principal.user, principal.session);
    if (!others) co_return fail(others.error());
  }
  auto cookie = co_await issue_session(tx, std::move(seed));
  co_return cookie;
}

struct Accepted {
  std::string cookie;
  std::vector<std::string> recovery_codes;
};

// One transaction: the code is used up, the session rotated, the record written.
Task<Result<Accepted>> accept(Services& services, Principal principal, Match match,
                              std::string user_agent) {
  const Purpose purpose = match.purpose;
  const Time now = services.clock.now();
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto used = co_await use(*tx, principal.user, std::move(match), now);
  if (!used) co_return fail(used.error());
  if (!*used) co_return fail(wrong_code());

  SessionSeed seed{.client = principal.client,
                   .user = principal.user,
                   .level = Level::kFull,
                   .second_factor_at = now,
                   .ip = principal.ip,
                   .user_agent = std::move(user_agent),
                   .now = now};
  if (principal.level == Level::kFull) {
    seed.created_at = principal.session_created_at;
    seed.expires_at = principal.session_expires_at;
  }
  auto network = attempt_network(principal.ip);
  const auto noted = co_await store::remember_network(*tx, principal.client, principal.user,
                                                      std::move(network), now);
  if (!noted) co_return fail(noted.error());
  auto cookie = co_await rotate_session(*tx, principal, purpose, std::move(seed));
  if (!cookie) co_return fail(std::move(cookie.error()));
  Accepted accepted{.cookie = std::move(*cookie), .recovery_codes = {}};
  if (purpose == Purpose::kEnrol) {
    auto codes = co_await renew_codes(*tx, principal.client, principal.user);
    if (!codes) co_return fail(std::move(codes.error()));
    accepted.recovery_codes = std::move(*codes);
  }
  const bool changes = purpose == Purpose::kEnrol || purpose == Purpose::kReplace;
  auto event = audit_event(principal, changes ? "two_factor_enabled" : "two_factor_verified",
                           principal.user.to_string());
  event.metadata["purpose"] = json::string_view(to_string(purpose));
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  const auto committed = co_await tx->commit();
  if (!committed) co_return fail(committed.error());
  co_return accepted;
}

Task<void> record_wrong_code(Services& services, Principal principal) {
  auto event = audit_event(principal, "two_factor_failed", principal.user.to_string());
  event.outcome = "failure";
  std::vector<audit::Event> events;
  events.push_back(std::move(event));
  const auto recorded = co_await audit::append(services.db, std::move(events));
  if (!recorded) log::error("wrong code not recorded", {{"cause", recorded.error().message}});
}

// match() and accept() with the attempt counted before and settled after.
Task<Result<Accepted>> try_code(Services& services, Principal principal, std::string code,
                                std::string user_agent) {
  std::vector<std::string> keys{network_key(principal.ip), user_key(principal.user)};
  auto attempts = co_await take_attempts(services, "code", std::move(keys));
  if (!attempts) co_return fail(std::move(attempts.error()));
  auto found = co_await match(services, principal, std::move(code));
  Result<Accepted> accepted = std::unexpected(found ? Error{} : found.error());
  if (found) {
    accepted = co_await accept(services, principal, std::move(*found), std::move(user_agent));
  }
  if (!accepted && is_wrong_code(accepted.error())) {
    co_await record_wrong_code(services, principal);
  } else {
    co_await refund_attempts(services, std::move(*attempts));
  }
  co_return accepted;
}

}  // namespace

Task<Result<http::Response>> verify_code(Services& services, Principal principal,
                                         http::Request request) {
  auto code = read_code(request);
  if (!code) co_return fail(std::move(code.error()));
  auto user_agent = clean_user_agent(request);
  auto accepted = co_await try_code(services, principal, std::move(*code), std::move(user_agent));
  if (!accepted) co_return fail(std::move(accepted.error()));

  principal.two_factor_enabled = true;
  json::object body{{"user", user_json(principal)}};
  if (!accepted->recovery_codes.empty()) {
    body["recoveryCodes"] = json::value_from(accepted->recovery_codes);
  }
  auto response = http::json_response(200, body);
  response.headers.add("Set-Cookie", std::move(accepted->cookie));
  for (auto& text : accepted->recovery_codes) wipe_string(text);
  co_return response;
}

}  // namespace deployclaw::api::auth
