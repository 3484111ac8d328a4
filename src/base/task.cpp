#include "base/task.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

#include "base/await.hpp"
#include "base/log.hpp"

namespace deployclaw {

namespace asio = boost::asio;

struct TaskGroup::State {
  explicit State(asio::any_io_executor e) : executor(std::move(e)), idle(executor) {
    idle.expires_at(asio::steady_timer::time_point::max());
  }
  void stop_tasks();

  asio::any_io_executor executor;
  asio::steady_timer idle;  // cancelled whenever the last task ends
  std::list<asio::cancellation_signal> signals;
  std::atomic<bool> cancelled{false};
};

void TaskGroup::State::stop_tasks() {
  // A handler may erase its own signal while we emit; walk over a step ahead.
  for (auto it = signals.begin(); it != signals.end();) {
    auto current = it++;
    current->emit(asio::cancellation_type::terminal);
  }
}

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, Task<void> task) {
  if (state_->cancelled) return;
  auto signal = state_->signals.emplace(state_->signals.end());
  auto done = [state = state_, signal, name = std::move(name)](std::exception_ptr error) {
    state->signals.erase(signal);
    if (state->signals.empty()) state->idle.cancel();
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
      // A coroutine that is cancelled between operations ends with this; it is not a fault.
      if (e.code() == asio::error::operation_aborted) return;
      log::error("task failed", {{"task", name}, {"error", e.what()}});
    } catch (const std::exception& e) {
      log::error("task failed", {{"task", name}, {"error", e.what()}});
    }
  };
  asio::co_spawn(state_->executor, std::move(task),
                 asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void TaskGroup::cancel() {
  state_->cancelled = true;
  // Outside the loop Asio would only queue each task's cancellation, as a pointer into its signal:
  // a task whose end is queued already would take the signal away before that.
  asio::dispatch(state_->executor, [state = state_] { state->stop_tasks(); });
}

Task<void> TaskGroup::join() {
  const auto state = state_;
  while (!state->signals.empty()) {
    co_await state->idle.async_wait(kAwait);
  }
}

std::size_t TaskGroup::size() const { return state_->signals.size(); }

Task<bool> sleep_for(std::chrono::nanoseconds duration) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, duration);
  const auto [error] = co_await timer.async_wait(kAwait);
  co_return !error;
}

struct BlockingPool::State {
  explicit State(std::size_t threads) : pool(threads) {}
  asio::thread_pool pool;
  std::atomic<std::size_t> queued{0};
};

BlockingPool::BlockingPool(std::string /*name*/, std::size_t threads)
    : state_(std::make_unique<State>(threads)) {}

BlockingPool::~BlockingPool() {
  state_->pool.stop();
  state_->pool.join();
}

void BlockingPool::post(std::function<void()> work) {
  ++state_->queued;
  asio::post(state_->pool, [state = state_.get(), work = std::move(work)] {
    --state->queued;
    work();
  });
}

std::size_t BlockingPool::queued() const { return state_->queued; }

namespace detail {

Task<void> run_on_pool(BlockingPool& pool, std::function<void()> work) {
  const auto executor = co_await asio::this_coro::executor;
  // The work runs to its end even when the caller is cancelled: half-done blocking work cannot be
  // taken back, so the wait goes on too. The cancellation is kept (not swallowed by a filter) and
  // shows at the caller's next await.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto done = std::make_shared<bool>(false);
  auto timer =
      std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  std::function<void()> job = [executor, timer, done, work = std::move(work)] {
    work();
    asio::post(executor, [timer, done] {
      *done = true;
      timer->cancel();
    });
  };
  pool.post(std::move(job));
  while (!*done) co_await timer->async_wait(kAwait);
  co_await asio::this_coro::throw_if_cancelled(throws);
}

}  // namespace detail
}  // namespace deployclaw
