#pragma once

#include "api/guard.hpp"
#include "db/transaction.hpp"

namespace deployclaw::api {

// Wraps the action of a POST so that a repeated Idempotency-Key (1–255 visible ASCII characters)
// of the same user within 24 h runs it once:
//   same request again → the stored answer, with Idempotency-Replayed: true
//   still running      → 409 idempotency_in_progress
//   another request    → 422 idempotency_key_reused
// Answers below 500, except 429, are stored; after others the key is free again. A request without
// the header passes through. Never use it for answers that hold a secret: they would be stored.
//   add_route(…, idempotent(services, action));
Action idempotent(Services& services, Action action);

// Stores the answer inside the transaction of the change itself, so that a crash after commit still
// replays. Optional: idempotent() stores it otherwise after the action returns. Call before
// commit(); a failure means that another request took the key over: do not commit.
Task<Status> record_answer(db::Transaction& transaction, const Principal& principal,
                           const http::Response& response);

}  // namespace deployclaw::api
