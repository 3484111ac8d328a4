#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace deployclaw::egress {

// Rings at a time or before it. Setting a timer costs a system call, so one that runs already and
// does not come later is left to run: whoever hears it looks at what is due, and sets it again for
// what is not. One thread.
class Alarm {
 public:
  using Clock = std::chrono::steady_clock;

  Alarm(boost::asio::any_io_executor executor, std::function<void()> ring);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Rings once, at `due` at the latest (as far as the loop keeps up).
  void ring_by(Clock::time_point due);
  void cancel();

 private:
  boost::asio::steady_timer timer_;
  const std::function<void()> ring_;
  bool runs_ = false;
  // A wait that has ended may be queued still when this goes.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace deployclaw::egress
