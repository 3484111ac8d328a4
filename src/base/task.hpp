#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace deployclaw {

template <class T>
using Task = boost::asio::awaitable<T>;

// Owns the coroutines a component starts, so that none outlives it. Single-threaded: use it only
// from its executor's thread, cancel() excepted, which reaches the tasks when the loop next runs if
// it is not in it. Exceptions that leave a task are bugs: they are logged and end that task alone.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  // Every task must have ended (join() returned) before destruction, or the io_context must never
  // run again.
  ~TaskGroup();

  // Starts `task`; `name` is for the log.
  void spawn(std::string name, Task<void> task);
  // Asks each task to stop (terminal cancellation); refuses later spawns silently. Thread-safe.
  void cancel();
  // Waits until all tasks have ended. Call cancel() first unless they end by themselves.
  Task<void> join();
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Sleeps on this coroutine's executor; false when cancelled meanwhile.
Task<bool> sleep_for(std::chrono::nanoseconds duration);

// A fixed pool of threads for work that blocks (bcrypt, files). Thread-safe.
class BlockingPool {
 public:
  BlockingPool(std::string name, std::size_t threads);
  ~BlockingPool();  // waits for running work, drops queued work
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  void post(std::function<void()> work);
  // Jobs queued and not yet started: callers shed load when it grows.
  [[nodiscard]] std::size_t queued() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

namespace detail {
Task<void> run_on_pool(BlockingPool& pool, std::function<void()> work);
}

// Runs `work` on the pool and resumes on the caller's executor with its value:
//   std::function<Result<Hash>()> work = …;  auto hash = co_await run_blocking(pool,
//   std::move(work));
// T must be default-constructible or a Result.
template <class T>
Task<T> run_blocking(BlockingPool& pool, std::function<T()> work) {
  auto slot = std::make_shared<std::unique_ptr<T>>();
  std::function<void()> job = [slot, work = std::move(work)] {
    *slot = std::make_unique<T>(work());
  };
  co_await detail::run_on_pool(pool, std::move(job));
  co_return std::move(**slot);
}

}  // namespace deployclaw
