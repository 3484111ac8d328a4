#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"

// Singleton jobs: whoever holds the row does the job.
namespace deployclaw::store {

// Takes or renews `name`. True when `owner` holds it now.
Task<Result<bool>> take_lease(db::Database& db, std::string name, std::string owner,
                              std::chrono::milliseconds lease);
// As above, also from `dead`, an owner who is known to have died.
Task<Result<bool>> inherit_lease(db::Database& db, std::string name, std::string owner,
                                 std::string dead, std::chrono::milliseconds lease);
Task<Status> release_lease(db::Database& db, std::string name, std::string owner);
// Who holds it now or did last.
Task<Result<std::optional<std::string>>> lease_owner(db::Database& db, std::string name);

}  // namespace deployclaw::store
