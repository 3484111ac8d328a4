#pragma once

#include "api/guard.hpp"

namespace deployclaw::api {

// Adds every resource's routes: one line per folder.
void add_resource_routes(http::Router& router, Services& services);

}  // namespace deployclaw::api
