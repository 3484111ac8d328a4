#include "domain/state_access.hpp"

#include <algorithm>
#include <string_view>

namespace deployclaw::domain {

StateAccess state_access(const Permissions& permissions) {
  const auto has = [&permissions](std::string_view scope) {
    return std::ranges::find(permissions.scopes, scope) != permissions.scopes.end();
  };
  if (has("files:write")) return StateAccess::kWrite;
  return has("files:read") ? StateAccess::kRead : StateAccess::kNone;
}

}  // namespace deployclaw::domain
