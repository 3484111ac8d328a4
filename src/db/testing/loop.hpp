#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <utility>

#include "base/task.hpp"

namespace deployclaw::db::testing {

// Runs `task` on `io` until nothing is left to do, so the task must close what it opened.
// Rethrows what the task threw.
inline void run_to_end(boost::asio::io_context& io, Task<void> task) {
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(task), [&thrown](std::exception_ptr e) { thrown = e; });
  io.run();
  io.restart();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace deployclaw::db::testing
