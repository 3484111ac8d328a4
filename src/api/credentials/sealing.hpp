#pragma once

#include "api/context.hpp"
#include "api/credentials/request.hpp"
#include "api/services.hpp"
#include "store/credentials.hpp"

namespace deployclaw::api::credentials {

// Seals the value (purpose "credential") or, with a grant, the grant with the value in it (purpose
// "oauth-grant"), name = the credential's, and makes its placeholder.
Task<Result<store::NewCredential>> seal_credential(Services& services, ClientId client, Bytes salt,
                                                   AgentId agent, CredentialRequest request);

// The audit event for it: name, kind, hosts and whether it is renewed, never the value or the
// placeholder.
audit::Event credential_event(const Principal& principal, std::string action_type,
                              const store::NewCredential& credential);

}  // namespace deployclaw::api::credentials
