#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/places.hpp"

namespace deployclaw::services {

// What is to become of one header field.
struct HeaderPlan {
  // The part of the value that is one placeholder, or of the decoded pair of a Basic field.
  struct Part {
    const Injection* injection = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::vector<Part> parts;          // in order, not overlapping; empty: leave the field alone
  std::optional<std::string> pair;  // "user:password" of a Basic field
};

// Finds the placeholders that the field may have and refuses any other.
Result<HeaderPlan> plan_header(std::string_view name, std::string_view value,
                               std::span<const Injection> injections,
                               std::span<const AgentCredential> all);

// The field's new value. Never leaves a copy of a secret but the one it answers.
std::string apply_header(const HeaderPlan& plan, std::string_view value,
                         const SecretSource& secrets);

}  // namespace deployclaw::services
