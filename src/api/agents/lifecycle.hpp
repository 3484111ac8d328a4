#pragma once

#include <string>

#include "base/task.hpp"
#include "db/transaction.hpp"
#include "http/message.hpp"
#include "store/agents.hpp"

// What every change of an agent shares.
namespace deployclaw::api::agents {

// Locks the agent: kNotFound when it is not there, kConflict (agent_deleting) when it is on its way
// out, kPreconditionFailed when the request's If-Match does not name its present version.
Task<Result<store::LockedAgent>> lock_for_change(db::Transaction& tx, AgentId agent,
                                                 http::Request request);

// Ends the active deployment and queues another of the agent as it stands now.
Task<Status> redeploy_agent(db::Transaction& tx, AgentId agent, std::string kind, UserId user);

}  // namespace deployclaw::api::agents
