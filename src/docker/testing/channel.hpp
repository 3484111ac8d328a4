#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <memory>
#include <optional>

#include "base/await.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

namespace deployclaw::docker::testing {

// A queue between a test and a coroutine on the same thread.
template <class T>
class Channel {
 public:
  void send(T value) {
    if (closed_) return;
    values_.push_back(std::move(value));
    wake();
  }
  void close() {
    closed_ = true;
    wake();
  }

  std::deque<T> values_;
  bool closed_ = false;
  boost::asio::steady_timer* waiter_ = nullptr;

 private:
  void wake() {
    if (waiter_ != nullptr) waiter_->cancel();
  }
};

// The next value; nullopt when the channel is closed and empty; kCancelled when the waiting
// coroutine is cancelled.
template <class T>
Task<Result<std::optional<T>>> receive(std::shared_ptr<Channel<T>> channel) {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (channel->values_.empty()) {
    if (channel->closed_) co_return std::optional<T>();
    boost::asio::steady_timer timer(executor, boost::asio::steady_timer::time_point::max());
    channel->waiter_ = &timer;
    co_await timer.async_wait(kAwait);
    channel->waiter_ = nullptr;
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
      co_return fail(Code::kCancelled, "the wait was cancelled");
    }
  }
  std::optional<T> value = std::move(channel->values_.front());
  channel->values_.pop_front();
  co_return value;
}

}  // namespace deployclaw::docker::testing
