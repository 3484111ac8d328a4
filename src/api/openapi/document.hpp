#pragma once

#include <string_view>

#include "api/guard.hpp"

namespace deployclaw::api::openapi {

// docs/api/openapi.yaml as JSON text, built into the program.
std::string_view document();

// GET /api/openapi.json, for everybody.
void add_routes(http::Router& router);

}  // namespace deployclaw::api::openapi
