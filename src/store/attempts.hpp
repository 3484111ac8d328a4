#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"

// Counted attempts (a login, a code, a registration).
namespace deployclaw::store {

// Counts one attempt of `kind` under `key` before it is made, so that parallel guesses cannot slip
// through, and answers its id. kRateLimited with retry_after_seconds when `most` were made within
// the last `span`.
Task<Result<std::int64_t>> take_attempt(db::Database& db, std::string kind, std::string key,
                                        int most, std::chrono::minutes span);

// Takes an attempt out of the count, because it succeeded or was never decided.
Task<Status> refund_attempt(db::Database& db, std::int64_t attempt);

}  // namespace deployclaw::store
