#include "egress/grant_keeper.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "services/oauth_grant.hpp"

namespace deployclaw::egress {

namespace {

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{30};

// Whether another try may go better.
bool may_pass(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimeout;
}

}  // namespace

std::string grant_name(const boost::json::object& sealed_grant) {
  const auto* iv = sealed_grant.if_contains("iv");
  return iv != nullptr && iv->is_string() ? std::string(iv->get_string()) : std::string();
}

Task<void> GrantKeeper::keep(store::EgressClient client, store::EgressCredential credential,
                             RenewedMessage message) {
  if (grant_name(credential.sealed_grant) != message.grant_name) co_return;
  const Key key{message.agent, message.credential};
  if (settled_[key] == message.grant_name || !keeping_.insert(key).second) co_return;
  const auto expires_at = clock_.now() + std::chrono::seconds(message.lifetime);
  auto pause = kFirstPause;
  while (true) {
    const auto kept = co_await try_to_keep(client, credential, message, expires_at);
    if (kept) {
      if (!*kept) {
        log::warn("a renewed token was dropped: the credential is another by now",
                  {{"agent", key.first.to_string()}, {"credential", key.second}});
      }
      settled_[key] = message.grant_name;
      break;
    }
    log::error("a renewed token is not kept yet", {{"agent", key.first.to_string()},
                                                   {"credential", key.second},
                                                   {"cause", kept.error().message}});
    if (!may_pass(kept.error())) break;
    const bool slept = co_await sleep_for(pause);
    if (!slept) break;
    pause = std::min(2 * pause, kLongestPause);
  }
  keeping_.erase(key);
}

Task<Result<bool>> GrantKeeper::try_to_keep(const store::EgressClient& client,
                                            const store::EgressCredential& credential,
                                            const RenewedMessage& message, Time expires_at) {
  const vault::SealContext whose{.client = client.id,
                                 .client_salt = client.salt,
                                 .agent = message.agent,
                                 .name = message.credential,
                                 .purpose = vault::kOAuthGrant};
  auto context = whose;
  auto present = credential.sealed_grant;
  const auto text = co_await vault_.open(std::move(context), std::move(present));
  if (!text) co_return fail(text.error());
  auto grant = services::read_grant(*text);
  if (!grant) co_return fail(grant.error());
  const auto renewed = services::renewed_grant(std::move(*grant), message.access_token.clone(),
                                               message.refresh_token.clone());
  context = whose;
  auto renewed_text = services::grant_text(renewed);
  auto sealed = co_await vault_.seal(std::move(context), std::move(renewed_text));
  if (!sealed) co_return fail(sealed.error());
  present = credential.sealed_grant;
  auto name = message.credential;
  auto kept = co_await store::keep_grant(db_, message.agent, std::move(name), std::move(present),
                                         std::move(*sealed), expires_at);
  co_return kept;
}

}  // namespace deployclaw::egress
