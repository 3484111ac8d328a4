#pragma once

#include "api/health.hpp"
#include "api/services.hpp"

namespace deployclaw::api {

// Starts the api's background work in services.background, until that is cancelled: at once and
// every hour, expired sessions and old attempts go, and the vault's key versions are noted. Each
// round is idempotent and does no retries of its own; one that fails is retried after a minute.
void start_housekeeping(Services& services, VaultStatus vault_status);

// One round of each, for tests.
Task<Status> expire_sessions(Services& services);
Task<Status> record_vault_keys(Services& services, VaultStatus vault_status);

}  // namespace deployclaw::api
