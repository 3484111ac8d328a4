#include "store/recovery_codes.hpp"

#include <boost/json/value_from.hpp>

#include "api/auth/auth.hpp"
#include "api/auth/two_factor.hpp"
#include "audit/append.hpp"
#include "crypto/recovery_code.hpp"
#include "http/problem.hpp"

namespace deployclaw::api::auth {
namespace json = boost::json;

vault::SealContext totp_context(ClientId client, UserId user, Bytes client_salt) {
  return {.client = client,
          .client_salt = std::move(client_salt),
          .agent = {},
          .name = user.to_string(),
          .purpose = vault::kTotp};
}

Task<Result<store::SecondFactor>> load_second_factor(Services& services, ClientId client,
                                                     UserId user) {
  auto found = co_await store::find_second_factor(services.db, client, user);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return fail(Code::kInternal, "the session's user has gone");
  co_return std::move(**found);
}

Task<Result<std::vector<std::string>>> renew_codes(db::Transaction& tx, ClientId client,
                                                   UserId user) {
  auto codes = crypto::generate_recovery_codes();
  std::vector<crypto::Sha256Digest> hashes;
  for (const auto& code : codes) {
    const auto hash = crypto::hash_recovery_code(code);
    if (!hash) co_return fail(Code::kInternal, "a fresh recovery code does not read back");
    hashes.push_back(*hash);
  }
  const auto stored = co_await store::replace_recovery_codes(tx, client, user, std::move(hashes));
  if (!stored) co_return fail(stored.error());
  co_return codes;
}

// New codes in the place of all old ones, for who lost or used them.
Task<Result<http::Response>> renew_recovery_codes(Services& services, Principal principal,
                                                  http::Request /*request*/) {
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto codes = co_await renew_codes(*tx, principal.client, principal.user);
  if (!codes) co_return fail(std::move(codes.error()));
  auto event = audit_event(principal, "recovery_codes_renewed", principal.user.to_string());
  const auto recorded = co_await audit::append(*tx, std::move(event));
  if (!recorded) co_return fail(recorded.error());
  const auto committed = co_await tx->commit();
  if (!committed) co_return fail(committed.error());
  auto response = http::json_response(200, {{"recoveryCodes", json::value_from(*codes)}});
  for (auto& code : *codes) wipe_string(code);
  co_return response;
}

}  // namespace deployclaw::api::auth
