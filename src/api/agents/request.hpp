#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/config.hpp"
#include "api/credentials/request.hpp"
#include "base/result.hpp"
#include "domain/sensitive_config.hpp"
#include "runtimes/catalogue.hpp"
#include "store/agents.hpp"

namespace deployclaw::api::agents {

// A config as it will be stored but for the sensitive values, which wait to be sealed.
struct CheckedConfig {
  boost::json::object config;
  std::vector<domain::SensitiveValue> secrets;
};

// The body of POST /api/agents, checked.
struct CreateRequest {
  std::string name;
  const runtimes::Runtime* runtime = nullptr;
  std::string desired_state;
  CheckedConfig config;
  boost::json::object permissions;
  boost::json::object resources;
  std::vector<credentials::CredentialRequest> credentials;
};
// kInvalid with the pointer of every broken rule.
Result<CreateRequest> read_create(const runtimes::Catalogue& catalogue,
                                  const services::Catalogue& services, const ApiConfig& api,
                                  boost::json::object body);

// The body of PATCH /api/agents/:id against the agent as it is. What is absent stays.
struct ChangeRequest {
  std::optional<std::string> name;
  std::optional<std::string> runtime_version;
  std::optional<CheckedConfig> config;
  std::optional<boost::json::object> permissions;
  std::optional<boost::json::object> resources;
};
Result<ChangeRequest> read_change(const runtimes::Catalogue& catalogue,
                                  const store::LockedAgent& agent, boost::json::object body);

}  // namespace deployclaw::api::agents
