#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>

#include "base/task.hpp"

namespace deployclaw::docker::testing {

// Runs one task to its end on `io` and gives its value, as a blocking call would.
template <class T>
T run(boost::asio::io_context& io, Task<T> task) {
  std::unique_ptr<T> value;
  std::exception_ptr failure;
  bool done = false;
  boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    value = std::make_unique<T>(std::move(result));
    done = true;
  });
  io.restart();
  while (!done && io.run_one() != 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}

}  // namespace deployclaw::docker::testing
