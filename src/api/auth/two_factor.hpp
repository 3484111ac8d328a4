#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "api/context.hpp"
#include "api/services.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "db/transaction.hpp"
#include "store/users.hpp"
#include "vault/vault.hpp"

// What set-up and verification share.
namespace deployclaw::api::auth {

// Where a user's TOTP secret belongs: it opens for this user of this client alone.
vault::SealContext totp_context(ClientId client, UserId user, Bytes client_salt);

// The caller's second factor; kInternal when the user has gone meanwhile.
Task<Result<store::SecondFactor>> load_second_factor(Services& services, ClientId client,
                                                     UserId user);

// Gives the user ten new recovery codes in `tx`; their texts, to be shown once.
Task<Result<std::vector<std::string>>> renew_codes(db::Transaction& tx, ClientId client,
                                                   UserId user);

}  // namespace deployclaw::api::auth
