#pragma once

#include <optional>

#include "api/guard.hpp"
#include "db/transaction.hpp"

namespace deployclaw::api {

using Handle = Task<Result<http::Response>> (*)(Services&, Principal, http::Request);

// The handler function as an Action.
Action bind_action(Services& services, Handle handle);

// The ":id" of /api/agents/:id…; an id that is none answers like one that is not there.
Result<AgentId> agent_of(const http::Request& request);
// kNotFound in the words for an agent.
std::unexpected<Error> no_such_agent();

// For calls that take no body, or an empty object.
Status expect_no_fields(const http::Request& request);

// Appends the record, commits.
Task<Status> record_and_commit(db::Transaction& tx, audit::Event event);

}  // namespace deployclaw::api
