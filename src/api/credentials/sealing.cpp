#include "api/credentials/sealing.hpp"

#include <array>
#include <boost/json/array.hpp>

#include "base/random.hpp"

namespace deployclaw::api::credentials {
namespace {

// Uniform in [0, n): bytes that would favour some values are thrown away.
unsigned random_below(unsigned n) {
  const unsigned fair = 256 - 256 % n;
  for (;;) {
    std::array<unsigned char, 1> byte{};
    random_bytes(byte);
    if (byte[0] < fair) return byte[0] % n;
  }
}

}  // namespace

Task<Result<store::NewCredential>> seal_credential(Services& services, ClientId client, Bytes salt,
                                                   AgentId agent, CredentialRequest request) {
  const bool renews = request.grant.has_value();
  vault::SealContext context{.client = client,
                             .client_salt = std::move(salt),
                             .agent = agent,
                             .name = request.name,
                             .purpose = renews ? vault::kOAuthGrant : vault::kCredential};
  Secret secret = std::move(request.value);
  if (renews) {
    request.grant->access_token = std::move(secret);
    secret = services::grant_text(*request.grant);
  }
  auto sealed = co_await services.vault.seal(std::move(context), std::move(secret));
  if (!sealed) co_return deployclaw::context("seal credential", std::move(sealed.error()));
  store::NewCredential credential{
      .client = client,
      .agent = agent,
      .name = std::move(request.name),
      .kind = request.kind->name,
      .hosts = std::move(request.hosts),
      .placeholder = services::make_placeholder(*request.kind, random_below),
      .expires_at = request.expires_at};
  (renews ? credential.sealed_grant : credential.sealed) = std::move(*sealed);
  co_return credential;
}

audit::Event credential_event(const Principal& principal, std::string action_type,
                              const store::NewCredential& credential) {
  auto event = audit_event(principal, std::move(action_type), credential.name);
  event.agent = credential.agent;
  boost::json::array hosts;
  for (const auto& host : credential.hosts) hosts.emplace_back(host);
  event.metadata = {{"kind", credential.kind}, {"hosts", std::move(hosts)}};
  if (credential.sealed_grant) event.metadata["renews"] = true;
  return event;
}

}  // namespace deployclaw::api::credentials
