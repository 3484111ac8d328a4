#include "api/policy/parts.hpp"

#include "api/rendering/bind.hpp"

namespace deployclaw::api::policy {

Result<LoadedPolicy> loaded_policy(const services::Catalogue& catalogue,
                                   store::AgentPolicyParts stored) {
  LoadedPolicy out;
  std::vector<FieldError> errors;
  out.parts.permissions = domain::read_permissions(stored.permissions, "", errors);
  if (!errors.empty()) {
    return fail(Code::kCorrupt,
                "stored permissions: " + errors.front().pointer + " " + errors.front().detail);
  }
  out.parts.catalogue = catalogue;
  for (auto& credential : stored.credentials) {
    out.parts.credentials.push_back({.name = std::move(credential.name),
                                     .kind = std::move(credential.kind),
                                     .hosts = std::move(credential.hosts),
                                     .placeholder = std::move(credential.placeholder)});
  }
  out.plan = std::move(stored.plan);
  out.client_active = stored.client_active;
  return out;
}

Task<Result<LoadedPolicy>> load_policy(Services& services, ClientId client, AgentId agent) {
  auto found = co_await store::find_agent_policy(services.db, client, agent);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return no_such_agent();
  co_return loaded_policy(services.service_catalogue, std::move(**found));
}

Result<services::AgentPolicy> compile(const LoadedPolicy& loaded) {
  return services::AgentPolicy::compile(loaded.parts.catalogue, loaded.parts.permissions,
                                        loaded.parts.credentials, loaded.client_active, 0);
}

}  // namespace deployclaw::api::policy
