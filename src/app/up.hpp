#pragma once

#include "app/settings.hpp"

namespace deployclaw::app {

// `deployclaw up`: the whole platform on one machine. Starts a private PostgreSQL and Docker Engine
// where none is configured, then the roles, each under its own uid; restarts what dies; on SIGTERM
// or SIGINT stops everything in reverse order. Prints progress and one line `ready: <url>` to
// stdout. Blocks; returns the exit code. Needs root.
int run_up(Settings settings);

}  // namespace deployclaw::app
