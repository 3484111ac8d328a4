#pragma once

#include "api/guard.hpp"

// /api/agents/:id/output: what the agent itself wrote, also after its container died.
namespace deployclaw::api::output {

void add_routes(http::Router& router, Services& services);

}  // namespace deployclaw::api::output
