#pragma once

#include <chrono>

#include "api/services.hpp"
#include "services/suggestions.hpp"
#include "store/agent_policy.hpp"

// From the database's rows to a policy that can be asked.
namespace deployclaw::api::policy {

// How far back the log is looked at.
inline constexpr std::chrono::days kPast{30};

struct LoadedPolicy {
  services::PolicyParts parts;
  std::string plan;
  bool client_active = false;
};

// Of what is stored. kCorrupt when the permissions are not valid by today's rules.
Result<LoadedPolicy> loaded_policy(const services::Catalogue& catalogue,
                                   store::AgentPolicyParts stored);

// The agent's, kNotFound when this client has none of that id.
Task<Result<LoadedPolicy>> load_policy(Services& services, ClientId client, AgentId agent);

// Compiled as it stands.
Result<services::AgentPolicy> compile(const LoadedPolicy& loaded);

}  // namespace deployclaw::api::policy
