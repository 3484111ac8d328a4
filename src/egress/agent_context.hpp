#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "egress/worker_config.hpp"
#include "scrub/secret_patterns.hpp"
#include "services/policy.hpp"

namespace deployclaw::egress {

// A credential's value and, for an access token that is renewed, what with.
struct HeldCredential {
  std::string kind = {};
  Secret value = {};
  std::optional<Time> expires_at = {};
  std::string grant_name = {};             // empty: it is not renewed
  services::OAuthGrant grant = {};         // its access token is `value`
  const services::OAuth* oauth = nullptr;  // of the policy's catalogue
  [[nodiscard]] bool renewable() const { return oauth != nullptr; }
};

// How much longer a value may be sent.
enum class Validity : std::uint8_t {
  kGood,
  kEnding,  // may be sent, but is renewed first where that goes
  kEnded,   // must not be sent
};
// A value that is renewed and of unknown age counts as ended.
Validity validity_of(const HeldCredential& held, Time now);
inline constexpr std::chrono::seconds kRenewBefore{60};

// One agent's compiled policy and opened secrets, of one version. Immutable; a request keeps the
// version it began with.
struct AgentContext {
  AgentId id;
  services::AgentPolicy policy;
  std::map<std::string, HeldCredential, std::less<>> held;  // by credential name
  std::vector<std::string> names;                           // by pattern id
  // Real secrets, those of grants too: turned back into placeholders in responses.
  std::shared_ptr<const scrub::PatternSet> response_patterns;
  // Real secrets (ids as in names) and placeholders (ids behind those): neither may be in a body
  // that an agent sends, but where the catalogue puts it.
  std::shared_ptr<const scrub::PatternSet> request_patterns;

  // nullptr when there is none of that name.
  [[nodiscard]] const HeldCredential* find(std::string_view name) const;
  // What may be sent at `now`; nullptr when there is nothing, or it has ended.
  [[nodiscard]] const Secret* secret(std::string_view name, Time now) const;
  // The credential that a finding in a request is about, and what was found of it.
  [[nodiscard]] const std::string& name_of(std::uint32_t pattern) const;
  [[nodiscard]] bool is_placeholder(std::uint32_t pattern) const { return pattern >= names.size(); }
  // Why what was found in `where` ("The request's body", "A message") may not leave.
  [[nodiscard]] Error misplaced(std::uint32_t pattern, std::string_view where) const;
};

using AgentContexts = std::map<AgentId, std::shared_ptr<const AgentContext>>;

// Compiles every agent of a configuration, taking its secrets. One with which something is wrong is
// left out, so it reaches nothing; `problems` then names it and why.
AgentContexts compile_agents(const services::Catalogue& catalogue, WorkerConfig& config,
                             std::vector<std::string>& problems);

}  // namespace deployclaw::egress
