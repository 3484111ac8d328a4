#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

// The networks that a user has proven both factors from.
namespace deployclaw::store {

// True when the user did so from `network` within the last 90 days. Costs the same for a client
// that does not exist.
Task<Result<bool>> is_known_network(db::Database& db, ClientId client, UserId user,
                                    std::string network, Time now);

// Notes it, and forgets those not seen for 90 days.
Task<Status> remember_network(db::Transaction& tx, ClientId client, UserId user,
                              std::string network, Time now);

// Forgets all of them.
Task<Status> forget_networks(db::Transaction& tx, UserId user);

}  // namespace deployclaw::store
