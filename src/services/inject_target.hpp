#pragma once

#include <optional>
#include <vector>

#include "http/canonical_target.hpp"
#include "services/places.hpp"

namespace deployclaw::services {

// Placeholders in a path and a query.
struct TargetPlan {
  struct Part {
    const Injection* injection = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::optional<Part> path;
  std::vector<Part> query;  // in order
};

// Finds the placeholders that the target may have and refuses any other.
Result<TargetPlan> plan_target(const http::CanonicalTarget& target,
                               std::span<const Injection> injections,
                               std::span<const AgentCredential> all);

void apply_target(const TargetPlan& plan, http::CanonicalTarget& target,
                  const SecretSource& secrets);

}  // namespace deployclaw::services
