#include "net/coarse_timer.hpp"

#include <algorithm>
#include <boost/system/error_code.hpp>

namespace deployclaw::net {
namespace {
constexpr std::chrono::milliseconds kGrain{250};
}

CoarseTimer::Entry::Entry(CoarseTimer& timer) : timer_(timer), next_(timer.first_) {
  if (next_ != nullptr) next_->previous_ = this;
  timer.first_ = this;
}

CoarseTimer::Entry::~Entry() {
  if (next_ != nullptr) next_->previous_ = previous_;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    timer_.first_ = next_;
  }
}

void CoarseTimer::Entry::set_deadline(Clock::duration from_now) {
  deadline_ = Clock::now() + from_now;
  // Deadlines mostly move back, so the timer is hardly ever armed anew.
  if (deadline_ < timer_.next_wake_) timer_.wake_at(deadline_);
}

CoarseTimer::CoarseTimer(boost::asio::any_io_executor executor)
    : timer_(std::move(executor)), self_(std::make_shared<CoarseTimer*>(this)) {}

CoarseTimer::~CoarseTimer() { *self_ = nullptr; }

void CoarseTimer::wake_at(Clock::time_point when) {
  // Rounded up to the grain, so that a thousand deadlines close together cost one wake.
  const auto grain = std::chrono::duration_cast<Clock::duration>(kGrain);
  when += grain - (when.time_since_epoch() % grain);
  if (when >= next_wake_) return;
  next_wake_ = when;
  timer_.expires_at(when);
  timer_.async_wait([self = self_](const boost::system::error_code& error) {
    if (!error && *self != nullptr) (*self)->sweep();
  });
}

void CoarseTimer::sweep() {
  next_wake_ = Clock::time_point::max();
  const auto now = Clock::now();
  auto earliest = Clock::time_point::max();
  for (Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    if (entry->deadline_ <= now) {
      entry->clear_deadline();
      entry->on_deadline();
    }
    earliest = std::min(earliest, entry->deadline_);
  }
  if (earliest != Clock::time_point::max()) wake_at(earliest);
}

}  // namespace deployclaw::net
