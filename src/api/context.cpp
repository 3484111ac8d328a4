#include "api/context.hpp"

namespace deployclaw::api {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kMember:
      return "member";
    case Role::kAdmin:
      return "admin";
    case Role::kOwner:
      return "owner";
  }
  return "viewer";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::kViewer, Role::kMember, Role::kAdmin, Role::kOwner}) {
    if (to_string(role) == text) return role;
  }
  return std::nullopt;
}

std::string_view to_string(Level level) { return level == Level::kFull ? "full" : "password"; }

audit::Event audit_event(const Principal& principal, std::string action_type, std::string target) {
  audit::Event event;
  event.client = principal.client;
  event.actor_type = "user";
  event.actor_id = principal.user.to_string();
  event.action_type = std::move(action_type);
  event.target = std::move(target);
  event.ip = principal.ip;
  return event;
}

}  // namespace deployclaw::api
