#pragma once

#include "api/rendering/json_text.hpp"
#include "base/task.hpp"
#include "db/rows.hpp"
#include "db/transaction.hpp"

namespace deployclaw::api::agents {

// An agent object out of a row of store::list_agents or find_agent. Sealed config values show as
// {"$sealed": true}.
void append_agent(JsonText& out, const db::Row& row);

// {"agent": …} with its ETag, out of a row of store::find_agent. The tag stands for what the owner
// can change: the platform's own observations (status, deployment) leave it as it is, so that
// If-Match refuses only changes that would undo another person's.
http::Response agent_response(int status, const db::Row& row);

// agent_response() for the agent as it stands in `tx`; kNotFound when it is not there.
Task<Result<http::Response>> agent_response(db::Transaction& tx, AgentId agent, int status);

// The object of an agent's latest use, or null, out of a row whose columns have these numbers.
struct UsagePlaces {
  int cpu_percent, memory_bytes, memory_limit_bytes;
};
void append_usage(JsonText& out, const db::Row& row, const UsagePlaces& at);

// A deployment object out of a row whose columns have these numbers.
struct DeploymentPlaces {
  int id, kind, state, generation, steps, exit_code, last_output, reason, created_at, ended_at;
};
void append_deployment(JsonText& out, const db::Row& row, const DeploymentPlaces& at);

}  // namespace deployclaw::api::agents
