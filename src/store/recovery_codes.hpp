#pragma once

#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "crypto/sha256.hpp"
#include "db/transaction.hpp"

// Recovery codes, stored as hashes.
namespace deployclaw::store {

// Puts `hashes` in the place of all earlier codes of the user, used or not.
Task<Status> replace_recovery_codes(db::Transaction& tx, ClientId client, UserId user,
                                    std::vector<crypto::Sha256Digest> hashes);

// Marks a code as used by one atomic update; how many unused ones are left, or nullopt when it was
// not an unused code of this user.
Task<Result<std::optional<std::int64_t>>> use_recovery_code(db::Transaction& tx, UserId user,
                                                            crypto::Sha256Digest hash, Time now);

}  // namespace deployclaw::store
