#include "api/routes.hpp"

#include "api/auth/auth.hpp"

namespace deployclaw::api {

void add_resource_routes(http::Router& router, Services& services) {
  auth::add_routes(router, services);
}

}  // namespace deployclaw::api
