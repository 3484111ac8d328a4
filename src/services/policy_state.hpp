#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/domain_list.hpp"
#include "services/policy.hpp"

// What a compiled policy is made of; private to this module.
namespace deployclaw::services {

using ScopeSet = std::bitset<domain::kScopes.size()>;

// The bit of a scope; nullopt for a word that is none.
std::optional<std::size_t> scope_index(std::string_view scope);

inline constexpr std::string_view kOutboundScope = "api:outbound";

struct AgentPolicy::State {
  Catalogue catalogue;
  ScopeSet scopes;
  ScopeSet approval;  // of these every request waits for a person
  DomainList domains;
  std::vector<AgentCredential> credentials;
  std::vector<const CredentialKind*> kinds;  // of `credentials`, in their order
  bool client_active = false;
  std::uint64_t version = 0;

  [[nodiscard]] bool granted(std::string_view scope) const;
  // The agent has a credential of `service` that may go to `host`.
  [[nodiscard]] bool has_credential(const Service& service, std::string_view host) const;
  [[nodiscard]] bool grants(const Rule& rule, const Service& service, std::string_view host) const;
};

}  // namespace deployclaw::services
