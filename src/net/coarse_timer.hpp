#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

namespace deployclaw::net {

// Deadlines for many connections from one timer. Setting one is an assignment: no allocation, no
// system call per read. They fire up to a quarter of a second late, never early. While nothing has
// a deadline, nothing wakes. One thread.
class CoarseTimer {
 public:
  using Clock = std::chrono::steady_clock;

  // What a deadline belongs to. Leaves the timer when destroyed.
  class Entry {
   public:
    explicit Entry(CoarseTimer& timer);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry();

   protected:
    void set_deadline(Clock::duration from_now);
    void clear_deadline() { deadline_ = Clock::time_point::max(); }
    // The deadline passed (and is cleared). Must not destroy an Entry.
    virtual void on_deadline() = 0;

   private:
    friend class CoarseTimer;
    CoarseTimer& timer_;
    Clock::time_point deadline_ = Clock::time_point::max();
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
  };

  explicit CoarseTimer(boost::asio::any_io_executor executor);
  // Every Entry must be gone.
  ~CoarseTimer();
  CoarseTimer(const CoarseTimer&) = delete;
  CoarseTimer& operator=(const CoarseTimer&) = delete;

 private:
  void wake_at(Clock::time_point when);
  void sweep();

  boost::asio::steady_timer timer_;
  Clock::time_point next_wake_ = Clock::time_point::max();
  Entry* first_ = nullptr;
  // Outlives a wait that is still queued when this is destroyed.
  std::shared_ptr<CoarseTimer*> self_;
};

}  // namespace deployclaw::net
