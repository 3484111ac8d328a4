#pragma once

#include <vector>

#include "audit/event.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"

namespace deployclaw::audit {

// Appends `events` to their clients' chains inside `transaction`: they become durable with the
// change they describe, or not at all. The chain of each client is locked until the transaction
// ends, so append last, right before commit(). Errors: kInvalid for an event the log refuses,
// otherwise as db/error.hpp; the transaction is then failed.
Task<Status> append(db::Transaction& transaction, std::vector<Event> events);
Task<Status> append(db::Transaction& transaction, Event event);

// The same for events that accompany no change (a refused login): each client's events in a
// transaction of their own, one round trip each.
Task<Status> append(db::Database& database, std::vector<Event> events);

}  // namespace deployclaw::audit
