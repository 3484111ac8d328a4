#pragma once

#include "api/guard.hpp"

// /api/runtimes: what can be deployed here, with the defaults and limits that a form needs.
namespace deployclaw::api::runtime_list {

void add_routes(http::Router& router, Services& services);

}  // namespace deployclaw::api::runtime_list
