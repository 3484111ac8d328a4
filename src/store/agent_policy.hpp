#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/database.hpp"

// What an agent's policy is compiled of, for explaining it: no secret, sealed or not.
namespace deployclaw::store {

struct PolicyCredential {
  std::string name;
  std::string kind;
  std::vector<std::string> hosts;
  std::string placeholder;
};

struct AgentPolicyParts {
  ClientId client;
  std::string agent_name;
  std::string plan;
  bool client_active = false;
  boost::json::value permissions;
  std::vector<PolicyCredential> credentials;  // by name
};

// nullopt when the client has no such agent.
Task<Result<std::optional<AgentPolicyParts>>> find_agent_policy(db::Database& db, ClientId client,
                                                                AgentId agent);

// The same for the operator, of whatever client: the agent of that id, or the only one of that
// name. More than one of it: kConflict.
Task<Result<std::optional<AgentPolicyParts>>> find_any_agent_policy(db::Database& db,
                                                                    std::string id_or_name);

}  // namespace deployclaw::store
