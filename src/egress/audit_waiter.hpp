#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>

#include "base/await.hpp"
#include "egress/audit_trail.hpp"

namespace deployclaw::egress {

// Somebody who waits for an answer is known as long as this lives. A coroutine that is cancelled is
// left by an exception, and must not be woken any more.
class AuditTrail::Waiter {
 public:
  Waiter(AuditTrail& trail, const Intent& intent, std::chrono::seconds most)
      : trail_(trail),
        intent_(intent),
        timer_(trail.executor_, most),
        place_(trail.waiters_.insert(trail.waiters_.end(), this)) {}
  ~Waiter() { trail_.waiters_.erase(place_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  auto until_woken() { return timer_.async_wait(kAwait); }
  void wake() { timer_.cancel(); }
  [[nodiscard]] const Intent& intent() const { return intent_; }

 private:
  AuditTrail& trail_;
  const Intent& intent_;
  boost::asio::steady_timer timer_;
  const std::list<Waiter*>::iterator place_;
};

}  // namespace deployclaw::egress
