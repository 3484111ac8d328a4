#pragma once

#include "api/services.hpp"

namespace deployclaw::api::testing {

// The project's own runtime catalogue (catalog/runtimes), read once.
const runtimes::Catalogue& test_catalogue();
// Its service catalogue (catalog/services).
const services::Catalogue& test_service_catalogue();

}  // namespace deployclaw::api::testing
