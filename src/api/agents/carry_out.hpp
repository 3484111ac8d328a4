#pragma once

#include <boost/json/object.hpp>

#include "api/agents/request.hpp"
#include "api/guard.hpp"
#include "db/transaction.hpp"
#include "store/agents.hpp"

namespace deployclaw::api::agents {

// Carries out a checked change of the locked agent, in the transaction that locked it: seals,
// stores, deploys a running agent anew where its container has to change, records `agent_updated`
// with `more` in its metadata, commits. Answers 202 with the agent and its ETag. A change that
// comes to nothing leaves no record and no deployment.
Task<Result<http::Response>> carry_out(Services& services, Principal principal, db::Transaction& tx,
                                       store::LockedAgent agent, ChangeRequest wanted,
                                       boost::json::object more);

}  // namespace deployclaw::api::agents
