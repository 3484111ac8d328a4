#include "api/auth/views.hpp"

namespace deployclaw::api {
namespace json = boost::json;

json::object user_json(const Principal& principal) {
  return {{"id", principal.user.to_string()},
          {"email", principal.email},
          {"role", json::string_view(to_string(principal.role))},
          {"twoFactorEnabled", principal.two_factor_enabled},
          {"createdAt", format_time(principal.user_created_at)}};
}

json::object client_json(const Principal& principal) {
  return {{"id", principal.client.to_string()},
          {"name", principal.client_name},
          {"plan", principal.plan},
          {"status", principal.client_status},
          {"createdAt", format_time(principal.client_created_at)}};
}

}  // namespace deployclaw::api
