#include "services/policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/names.hpp"
#include "services/policy_state.hpp"

namespace deployclaw::services {
namespace {

Status check_credentials(const std::vector<AgentCredential>& credentials,
                         const Catalogue& catalogue) {
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    const auto& credential = credentials[i];
    if (catalogue.find_kind(credential.kind) == nullptr) {
      return fail(Code::kInvalid, fmt::format("credential {} is of the unknown kind {}",
                                              credential.name, credential.kind));
    }
    // A short one would be found in texts that have nothing to do with it.
    if (credential.placeholder.size() < 16) {
      return fail(Code::kInvalid, fmt::format("credential {} has no placeholder", credential.name));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (credentials[j].placeholder.contains(credential.placeholder) ||
          credential.placeholder.contains(credentials[j].placeholder)) {
        return fail(Code::kInvalid, fmt::format("credentials {} and {} share a placeholder",
                                                credentials[j].name, credential.name));
      }
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::kNone:
      return "";
    case Layer::kClient:
      return "client";
    case Layer::kDomain:
      return "domain";
    case Layer::kService:
      return "service";
    case Layer::kScope:
      return "scope";
    case Layer::kPort:
      return "port";
  }
  return "";
}

std::optional<std::size_t> scope_index(std::string_view scope) {
  const auto* found = std::ranges::find(domain::kScopes, scope);
  if (found == domain::kScopes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - domain::kScopes.begin());
}

bool AgentPolicy::State::granted(std::string_view scope) const {
  const auto index = scope_index(scope);
  return index && scopes.test(*index);
}

bool AgentPolicy::State::has_credential(const Service& service, std::string_view host) const {
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    if (kinds[i]->service != service.name) continue;
    for (const auto& pattern : credentials[i].hosts) {
      if (domain::host_matches(pattern, host)) return true;
    }
  }
  return false;
}

bool AgentPolicy::State::grants(const Rule& rule, const Service& service,
                                std::string_view host) const {
  switch (rule.grant) {
    case Grant::kScope:
      return granted(rule.scope);
    case Grant::kModel:
      return has_credential(service, host);
    case Grant::kDeny:
      return false;
  }
  return false;
}

Result<AgentPolicy> AgentPolicy::compile(Catalogue catalogue,
                                         const domain::Permissions& permissions,
                                         std::vector<AgentCredential> credentials,
                                         bool client_active, std::uint64_t version) {
  auto good = check_credentials(credentials, catalogue);
  if (!good) return fail(std::move(good.error()));
  auto state = std::make_shared<State>();
  for (const auto& scope : permissions.scopes) {
    const auto index = scope_index(scope);
    if (!index) return fail(Code::kInvalid, "unknown scope " + scope);
    state->scopes.set(*index);
  }
  for (const auto& scope : permissions.approval) {
    const auto index = scope_index(scope);
    if (!index) return fail(Code::kInvalid, "unknown scope " + scope);
    state->approval.set(*index);
  }
  std::vector<domain::AllowedDomain> domains;
  for (const auto& text : permissions.allowed_domains) {
    auto entry = domain::allowed_domain(text);
    if (!entry) return fail(Code::kInvalid, "allowed domain " + text + " " + entry.error());
    domains.push_back(std::move(*entry));
  }
  state->domains = DomainList(domains);
  for (const auto& credential : credentials) {
    state->kinds.push_back(catalogue.find_kind(credential.kind));
  }
  state->catalogue = std::move(catalogue);
  state->credentials = std::move(credentials);
  state->client_active = client_active;
  state->version = version;
  return AgentPolicy(std::move(state));
}

bool AgentPolicy::admits_name(std::string_view host, std::uint16_t port) const {
  const auto& state = *state_;
  if (!state.client_active) return false;
  if (const auto* entry = state.catalogue.find_host(host)) {
    if (port != 0 && port != 443) return false;
    return std::ranges::any_of(entry->rules, [&](const RuleEntry& rule) {
      return state.grants(*rule.rule, *rule.service, host);
    });
  }
  if (port != 0) {
    if (decide_tunnel(host, port).allowed) return true;
    return state.granted(kOutboundScope) && state.catalogue.find_tcp(port) == nullptr &&
           state.domains.find(host, port).has_value();
  }
  if (!state.domains.find_on_any_port(host)) return false;
  if (state.granted(kOutboundScope)) return true;
  return std::ranges::any_of(state.catalogue.tcp_rules(), [&](const TcpRule* rule) {
    return decide_tunnel(host, rule->port).allowed;
  });
}

std::optional<std::string> AgentPolicy::admitting_pattern(std::string_view host,
                                                          std::uint16_t port) const {
  if (!admits_name(host, port)) return std::nullopt;
  if (const auto* entry = state_->catalogue.find_host(host)) return entry->pattern;
  auto domain = state_->domains.find(host, port);
  if (!domain) domain = state_->domains.find_on_any_port(host);
  return std::string(domain ? domain->pattern : host);
}

bool AgentPolicy::needs_approval(std::string_view scope) const {
  const auto index = scope_index(scope);
  return index && state_->approval.test(*index);
}

std::span<const AgentCredential> AgentPolicy::credentials() const { return state_->credentials; }
std::uint64_t AgentPolicy::version() const { return state_->version; }
bool AgentPolicy::client_active() const { return state_->client_active; }
const Catalogue& AgentPolicy::catalogue() const { return state_->catalogue; }

}  // namespace deployclaw::services
