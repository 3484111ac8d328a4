#pragma once

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

namespace deployclaw::store {

// True while the session is there, of level full, and neither past its end nor idle too long.
Task<Result<bool>> session_lives(db::Database& db, ClientId client, SessionId session);

}  // namespace deployclaw::store
