#pragma once

#include "services/catalogue.hpp"

namespace deployclaw::services::testing {

// The project's own service catalogue (catalog/services), read once. Aborts with its problems when
// it is not valid.
const Catalogue& project_catalogue();

}  // namespace deployclaw::services::testing
