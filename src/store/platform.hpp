#pragma once

#include "base/task.hpp"
#include "db/database.hpp"

// What a process must know of the database before it can say that it is ready.
namespace deployclaw::store {

// One round trip; an error when the database does not answer within two seconds.
Task<Status> ping(db::Database& db);

// True when the schema is at least at the newest version this binary carries.
Task<Result<bool>> schema_is_current(db::Database& db);

}  // namespace deployclaw::store
