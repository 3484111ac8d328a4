#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::net {

// One precise deadline over a series of operations: when it passes, `expire` runs once (it cancels
// what is pending) and expired() tells the operations after it.
class Deadline {
 public:
  Deadline(const boost::asio::any_io_executor& executor, std::chrono::milliseconds from_now,
           std::function<void()> expire);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  [[nodiscard]] bool expired() const { return state_->expired; }
  [[nodiscard]] std::chrono::milliseconds remaining() const;
  // What a failed operation means: kTimeout when this expired, kCancelled when it was aborted,
  // else kUnavailable.
  [[nodiscard]] Error error(std::string_view what, const boost::system::error_code& error) const;

 private:
  struct State {
    std::function<void()> expire;
    bool expired = false;
  };
  std::shared_ptr<State> state_;
  boost::asio::steady_timer timer_;
};

}  // namespace deployclaw::net
