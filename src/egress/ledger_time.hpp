#pragma once

#include <functional>

#include "domain/sliding_window.hpp"

namespace deployclaw::egress {

// The wall clock as it stands at the call, from then on moved by the time that passes, suspend
// included (CLOCK_BOOTTIME): who turns the clock while it runs frees nobody from a limit and locks
// nobody out. The function may be called from one thread at a time.
std::function<domain::Millis()> steady_ledger_time();

}  // namespace deployclaw::egress
