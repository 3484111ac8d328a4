#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/policy.hpp"

// Policies over the project's own catalogue, for tests.
namespace deployclaw::services::testing {

// A credential named "my-<kind>"; without hosts, those of its kind.
AgentCredential credential(std::string kind, std::vector<std::string> hosts = {});

struct Given {
  std::vector<std::string> scopes = {};
  std::vector<std::string> domains = {};
  std::vector<AgentCredential> credentials = {};
  bool active = true;
};

// Throws when it does not compile.
AgentPolicy policy_of(Given given);

RequestFacts request(std::string_view method, std::string_view host, std::string_view path);

}  // namespace deployclaw::services::testing
