#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string_view>

#include "base/task.hpp"

namespace deployclaw::app {

// Runs an event loop on the calling thread until SIGTERM or SIGINT, then `stop` to its end (at most
// 30 s), and returns. `stop` runs on the loop.
void run_until_signal(boost::asio::io_context& io, std::function<Task<void>()> stop);

}  // namespace deployclaw::app
