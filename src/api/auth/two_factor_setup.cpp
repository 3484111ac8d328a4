#include "api/auth/auth.hpp"
#include "api/auth/two_factor.hpp"
#include "audit/append.hpp"
#include "crypto/qr.hpp"
#include "crypto/totp.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"

namespace deployclaw::api::auth {
namespace json = boost::json;
namespace {

Status read_empty_body(const http::Request& request) {
  if (request.body.empty()) return {};
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields fields(*body);
  return fields.finish();
}

// Stores the sealed secret where it waits for its first code.
Task<Status> store_secret(Services& services, Principal principal, bool first,
                          json::object sealed) {
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto event = audit_event(principal, "two_factor_setup", principal.user.to_string());
  event.metadata["replaces"] = !first;
  Result<bool> stored = false;
  if (first) {
    stored = co_await store::store_first_secret(*tx, principal.user, std::move(sealed));
  } else {
    stored = co_await store::store_pending_secret(*tx, principal.user, std::move(sealed));
  }
  if (!stored) co_return fail(stored.error());
  if (!*stored) {
    co_return fail(Code::kConflict, "two_factor_changed",
                   "Two-factor was changed meanwhile. Reload and try again.");
  }
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  auto committed = co_await tx->commit();
  co_return committed;
}

Result<http::Response> show(const std::string& issuer, const std::string& email,
                            const Secret& secret) {
  std::string url = crypto::otpauth_url(issuer, email, secret);
  std::string text = crypto::totp_secret_text(secret);
  const auto svg = crypto::qr_svg(url, "QR code for your authenticator app");
  if (!svg) return fail(svg.error());
  auto response =
      http::json_response(200, {{"secret", text}, {"otpauthUrl", url}, {"qrSvg", *svg}});
  wipe_string(url);
  wipe_string(text);
  return response;
}

}  // namespace

// A stolen password must not be enough to replace a second factor: once it is on, a new secret is
// handed out to a fresh session only, and the old one stays in force until the new one is proven.
Task<Result<http::Response>> set_up_two_factor(Services& services, Principal principal,
                                               http::Request request) {
  if (auto ok = read_empty_body(request); !ok) co_return fail(ok.error());
  auto factor = co_await load_second_factor(services, principal.client, principal.user);
  if (!factor) co_return fail(std::move(factor.error()));
  if (factor->enabled && !principal.fresh) {
    co_return fail(Code::kForbidden, "two_factor_required",
                   "Verify your present second factor before you replace it.");
  }
  const Secret secret = crypto::generate_totp_secret();
  auto context = totp_context(principal.client, principal.user, std::move(factor->client_salt));
  auto value = secret.clone();
  auto sealed = co_await services.vault.seal(std::move(context), std::move(value));
  if (!sealed) co_return fail(std::move(sealed.error()));
  const auto stored =
      co_await store_secret(services, principal, !factor->enabled, std::move(*sealed));
  if (!stored) co_return fail(stored.error());
  co_return show(services.config.issuer, principal.email, secret);
}

}  // namespace deployclaw::api::auth
