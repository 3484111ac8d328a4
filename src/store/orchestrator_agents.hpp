#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "db/transaction.hpp"
#include "domain/agent_state.hpp"

// Agents as the orchestrator sees them: of every client, on one host.
namespace deployclaw::store {

// Takes the agents that no host has. Returns how many.
Task<Result<std::int64_t>> claim_unassigned_agents(db::Database& db, std::string host);

// A row of the desired state. The runtime's limits in its targets are still to be filled in.
struct DesiredRow {
  domain::DesiredAgent agent;
  std::string address;  // the agent's, empty before it has one
  // The last step of a failed deployment: says whether the host was at fault.
  std::string failed_step;
  DeploymentId failed_deployment;
};
// Every agent of `host`, sorted by id.
Task<Result<std::vector<DesiredRow>>> list_desired(db::Database& db, std::string host);

// False when the row was gone.
Task<Status> set_agent_status(db::Database& db, AgentId agent, domain::AgentStatus status,
                              std::string reason);
Task<Status> set_agent_container(db::Database& db, AgentId agent, std::string container);

// The row and all that hangs on it. Only while it is still to be deleted: nullopt otherwise. Gives
// the agent's name for the audit record.
Task<Result<std::optional<std::string>>> delete_agent(db::Transaction& tx, AgentId agent);

// A credential as an agent's config may name it: never a value.
struct PlaceholderRow {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::string placeholder;
};

// What a container is made from.
struct LaunchSpec {
  ClientId client;
  Bytes client_salt;
  std::string agent_name;
  boost::json::object spec;         // {runtime, runtimeVersion, config, permissions, resources}
  boost::json::object permissions;  // the agent's, as they are now
  std::vector<PlaceholderRow> credentials;
};
// The spec of a deployment and the agent's credentials as they are now; kNotFound when either is
// gone.
Task<Result<LaunchSpec>> load_launch_spec(db::Database& db, AgentId agent, DeploymentId deployment);

// The platform's instance id.
Task<Result<std::string>> load_instance(db::Database& db);

}  // namespace deployclaw::store
