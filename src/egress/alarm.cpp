#include "egress/alarm.hpp"

#include <utility>

namespace deployclaw::egress {

Alarm::Alarm(boost::asio::any_io_executor executor, std::function<void()> ring)
    : timer_(std::move(executor)), ring_(std::move(ring)) {}

void Alarm::ring_by(Clock::time_point due) {
  if (runs_ && timer_.expiry() <= due) return;
  runs_ = true;
  timer_.expires_at(due);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    runs_ = false;
    ring_();
  });
}

void Alarm::cancel() {
  runs_ = false;
  timer_.cancel();
}

}  // namespace deployclaw::egress
