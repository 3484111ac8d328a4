#pragma once

#include "api/services.hpp"
#include "http/router.hpp"

namespace deployclaw::api::events {

// GET /api/events: what changed for the caller's client, live (text/event-stream).
void add_routes(http::Router& router, Services& services);

}  // namespace deployclaw::api::events
