#include "egress/agent_context.hpp"

#include <array>

namespace deployclaw::egress {

Validity validity_of(const HeldCredential& held, Time now) {
  if (held.value.empty()) return Validity::kEnded;
  if (!held.expires_at) return held.renewable() ? Validity::kEnded : Validity::kGood;
  if (now >= *held.expires_at) return Validity::kEnded;
  return now >= *held.expires_at - kRenewBefore ? Validity::kEnding : Validity::kGood;
}

const HeldCredential* AgentContext::find(std::string_view name) const {
  const auto found = held.find(name);
  return found == held.end() ? nullptr : &found->second;
}

const Secret* AgentContext::secret(std::string_view name, Time now) const {
  const auto* found = find(name);
  if (found == nullptr || validity_of(*found, now) == Validity::kEnded) return nullptr;
  return &found->value;
}

const std::string& AgentContext::name_of(std::uint32_t pattern) const {
  return names[pattern % names.size()];
}

Error AgentContext::misplaced(std::uint32_t pattern, std::string_view where) const {
  const bool placeholder = is_placeholder(pattern);
  std::string detail = std::string(where) + " holds " +
                       (placeholder ? "the placeholder" : "the real value") +
                       " of the credential " + name_of(pattern) + ", which may not be sent there.";
  return {.code = Code::kForbidden,
          .message = "misplaced " + name_of(pattern),
          .reason = placeholder ? "placeholder_misplaced" : "secret_in_request",
          .public_detail = std::move(detail)};
}

namespace {

// All that must neither leave by the agent nor come to it.
std::array<const Secret*, 4> secrets_of(const WorkerCredential& credential) {
  return {&credential.value, &credential.grant.refresh_token, &credential.grant.client_secret,
          &credential.grant.previous_token};
}

HeldCredential hold(WorkerCredential& credential, const services::AgentPolicy& policy) {
  HeldCredential held{.kind = credential.kind,
                      .value = std::move(credential.value),
                      .expires_at = credential.expires_at};
  if (credential.grant_name.empty()) return held;
  held.grant_name = std::move(credential.grant_name);
  held.grant = std::move(credential.grant);
  held.oauth = policy.catalogue().find_oauth(credential.kind);
  return held;
}

Result<std::shared_ptr<const AgentContext>> compile(const services::Catalogue& catalogue,
                                                    WorkerAgent& agent, bool active,
                                                    std::uint64_t version) {
  std::vector<FieldError> errors;
  const auto permissions = domain::read_permissions(agent.permissions, "/permissions", errors);
  if (!errors.empty()) return fail(Code::kInvalid, errors[0].pointer + " " + errors[0].detail);

  std::vector<services::AgentCredential> credentials;
  for (const auto& credential : agent.credentials) {
    credentials.push_back({.name = credential.name,
                           .kind = credential.kind,
                           .hosts = credential.hosts,
                           .placeholder = credential.placeholder});
  }
  auto policy = services::AgentPolicy::compile(catalogue, permissions, std::move(credentials),
                                               active, version);
  if (!policy) return fail(policy.error());

  std::vector<std::string> names;
  std::vector<scrub::PatternSource> real;
  std::vector<scrub::PatternSource> both;
  const auto count = static_cast<std::uint32_t>(agent.credentials.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& credential = agent.credentials[i];
    names.push_back(credential.name);
    for (const Secret* secret : secrets_of(credential)) {
      if (secret->empty()) continue;
      real.push_back({i, secret->clone(), credential.placeholder});
      both.push_back({i, secret->clone(), {}});
    }
    both.push_back({count + i, Secret::copy_of(credential.placeholder), {}});
  }
  auto response_patterns = scrub::PatternSet::build(std::move(real));
  if (!response_patterns) return fail(response_patterns.error());
  auto request_patterns = scrub::PatternSet::build(std::move(both));
  if (!request_patterns) return fail(request_patterns.error());

  auto context = std::make_shared<AgentContext>(
      AgentContext{.id = agent.id,
                   .policy = std::move(*policy),
                   .held = {},
                   .names = std::move(names),
                   .response_patterns = std::move(*response_patterns),
                   .request_patterns = std::move(*request_patterns)});
  for (auto& credential : agent.credentials) {
    context->held.emplace(credential.name, hold(credential, context->policy));
  }
  return context;
}

}  // namespace

AgentContexts compile_agents(const services::Catalogue& catalogue, WorkerConfig& config,
                             std::vector<std::string>& problems) {
  AgentContexts contexts;
  for (auto& agent : config.agents) {
    auto compiled = compile(catalogue, agent, config.active, config.version);
    if (compiled) {
      contexts[agent.id] = std::move(*compiled);
    } else {
      problems.push_back(agent.id.to_string() + ": " + compiled.error().message);
    }
  }
  return contexts;
}

}  // namespace deployclaw::egress
