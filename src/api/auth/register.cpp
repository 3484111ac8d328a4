#include <utility>

#include "api/auth/auth.hpp"
#include "api/auth/email.hpp"
#include "api/auth/passwords.hpp"
#include "api/auth/session.hpp"
#include "api/auth/throttle.hpp"
#include "api/auth/views.hpp"
#include "audit/append.hpp"
#include "base/random.hpp"
#include "db/error.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "store/users.hpp"

namespace deployclaw::api::auth {
namespace {

struct Registration {
  std::string email;
  Secret password;
  std::string client_name;
};

std::string trim(std::string text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<Registration> read_registration(const http::Request& request) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields fields(*body);
  Registration registration;
  const auto email = fields.required_string("email", {.min = 3, .max = 254});
  if (auto normalised = normalise_email(email)) {
    registration.email = std::move(*normalised);
  } else if (!email.empty()) {
    fields.error("email", "must be an e-mail address");
  }
  registration.password = new_password(fields, "password", registration.email);
  const auto name = fields.required_string("clientName", {.min = 1, .max = 100});
  registration.client_name = trim(name);
  if (!name.empty() && registration.client_name.empty()) {
    fields.error("clientName", "must not be blank");
  }
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return registration;
}

Principal new_owner(const store::NewAccount& account, std::string ip) {
  Principal principal;
  principal.user = account.user;
  principal.email = account.email;
  principal.role = Role::kOwner;
  principal.user_created_at = account.at;
  principal.client = account.client;
  principal.client_name = account.client_name;
  principal.plan = "starter";
  principal.client_status = "active";
  principal.client_created_at = account.at;
  principal.ip = std::move(ip);
  return principal;
}

// One transaction: client, owner, session, record. Answers the session's Set-Cookie.
Task<Result<std::string>> create(Services& services, store::NewAccount account, Principal owner,
                                 std::string user_agent) {
  auto tx = co_await services.db.begin(account.client);
  if (!tx) co_return fail(std::move(tx.error()));
  SessionSeed seed{.client = account.client,
                   .user = account.user,
                   .ip = owner.ip,
                   .user_agent = std::move(user_agent),
                   .now = account.at};
  auto event = audit_event(owner, "client_registered", account.client_name);
  event.metadata["email"] = account.email;

  const auto inserted = co_await store::insert_account(*tx, std::move(account));
  if (!inserted) co_return fail(inserted.error());
  auto cookie = co_await issue_session(*tx, std::move(seed));
  if (!cookie) co_return fail(std::move(cookie.error()));
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  const auto committed = co_await tx->commit();
  if (!committed) co_return fail(committed.error());
  co_return cookie;
}

bool is_taken(const Error& error) {
  const auto constraint = db::constraint_of(error);
  return constraint == "users_email_key" || constraint == "clients_email_key";
}

}  // namespace

Task<Result<http::Response>> register_account(Services& services, http::Request request) {
  auto registration = read_registration(request);
  if (!registration) co_return fail(std::move(registration.error()));
  std::string ip = client_address(services.config, request);
  std::vector<std::string> keys{network_key(ip)};
  auto attempts = co_await take_attempts(services, "register", std::move(keys));
  if (!attempts) co_return fail(std::move(attempts.error()));

  auto hash = co_await hash_password(services, std::move(registration->password));
  if (!hash) {
    co_await refund_attempts(services, std::move(*attempts));
    co_return fail(std::move(hash.error()));
  }
  Bytes salt(32);
  random_bytes(salt);
  store::NewAccount account{.client = ClientId::random(),
                            .user = UserId::random(),
                            .client_name = std::move(registration->client_name),
                            .email = std::move(registration->email),
                            .password_hash = std::move(*hash),
                            .vault_salt = std::move(salt),
                            .at = services.clock.now()};
  const Principal owner = new_owner(account, std::move(ip));
  auto user_agent = clean_user_agent(request);
  auto cookie = co_await create(services, std::move(account), owner, std::move(user_agent));
  if (!cookie && is_taken(cookie.error())) {
    co_return fail(Code::kConflict, "email_taken", "There is an account with this e-mail address.");
  }
  co_await refund_attempts(services, std::move(*attempts));
  if (!cookie) co_return fail(std::move(cookie.error()));

  auto response =
      http::json_response(201, {{"user", user_json(owner)}, {"client", client_json(owner)}});
  response.headers.add("Set-Cookie", std::move(*cookie));
  co_return response;
}

}  // namespace deployclaw::api::auth
