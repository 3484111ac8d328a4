#include "services/testing/policies.hpp"

#include <stdexcept>

#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services::testing {

AgentCredential credential(std::string kind, std::vector<std::string> hosts) {
  const auto* known = project_catalogue().find_kind(kind);
  if (known == nullptr) throw std::invalid_argument("no kind " + kind);
  if (hosts.empty()) hosts = known->hosts;
  return {.name = "my-" + kind,
          .kind = kind,
          .hosts = std::move(hosts),
          .placeholder = "placeholder-of-" + kind + "-0123456789"};
}

AgentPolicy policy_of(Given given) {
  domain::Permissions permissions;
  permissions.scopes = std::move(given.scopes);
  permissions.allowed_domains = std::move(given.domains);
  auto policy = AgentPolicy::compile(project_catalogue(), permissions, std::move(given.credentials),
                                     given.active, 7);
  if (!policy) throw std::invalid_argument(policy.error().message);
  return std::move(*policy);
}

RequestFacts request(std::string_view method, std::string_view host, std::string_view path) {
  return {.host = host, .method = method, .path = path};
}

}  // namespace deployclaw::services::testing
