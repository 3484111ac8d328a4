#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/task.hpp"

namespace deployclaw::net::testing {

// Runs the loop until `task` has ended and returns its value. Throws when it takes a minute.
template <class T>
T run_task(boost::asio::io_context& io, Task<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  bool ended = false;
  boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    if (!error) value.emplace(std::move(result));
    ended = true;
  });
  io.restart();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!ended && std::chrono::steady_clock::now() < limit) {
    io.run_one_for(std::chrono::seconds(1));
  }
  if (!ended) throw std::runtime_error("task does not end");
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}

inline void run_task(boost::asio::io_context& io, Task<void> task) {
  const auto with_value = [](Task<void> inner) -> Task<bool> {
    co_await std::move(inner);
    co_return true;
  };
  run_task(io, with_value(std::move(task)));
}

}  // namespace deployclaw::net::testing
