#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "egress/worker_config.hpp"
#include "scrub/secret_patterns.hpp"
#include "services/policy.hpp"

namespace deployclaw::egress {

// One agent's compiled policy and opened secrets, of one version. Immutable; a request keeps the
// version it began with.
struct AgentContext {
  AgentId id;
  services::AgentPolicy policy;
  std::map<std::string, Secret, std::less<>> secrets;  // by credential name
  std::vector<std::string> names;                      // by pattern id
  // Real secrets: turned back into placeholders in responses.
  std::shared_ptr<const scrub::PatternSet> response_patterns;
  // Real secrets (ids as in names) and placeholders (ids behind those): neither may be in a body
  // that an agent sends, but where the catalogue puts it.
  std::shared_ptr<const scrub::PatternSet> request_patterns;

  [[nodiscard]] const Secret* secret(std::string_view name) const;
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
