#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "base/task.hpp"

namespace deployclaw::vault {

template <class T>
Task<void> store_result(Task<T> task, std::optional<T>* result) {
  auto value = co_await std::move(task);
  result->emplace(std::move(value));
}

// Runs `io` until `task` has its value, for tests.
template <class T>
T run_task(boost::asio::io_context& io, Task<T> task) {
  TaskGroup tasks(io.get_executor());
  std::optional<T> result;
  tasks.spawn("test", store_result(std::move(task), &result));
  while (tasks.size() > 0) {
    if (io.stopped()) io.restart();
    io.run_one();
  }
  return *std::move(result);
}

}  // namespace deployclaw::vault
