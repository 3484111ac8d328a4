#pragma once

#include "app/settings.hpp"

namespace deployclaw::app {

// Each runs one role on the calling thread until SIGTERM or SIGINT and returns the exit code: 0
// after a clean stop, 1 when it could not start.
int run_api(Settings settings);
int run_egress(Settings settings);
int run_orchestrator(Settings settings);
int run_vault(Settings settings);

}  // namespace deployclaw::app
