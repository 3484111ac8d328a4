#include "net/coarse_timer.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>

namespace deployclaw::net {
namespace {

using Clock = CoarseTimer::Clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

class Deadline : public CoarseTimer::Entry {
 public:
  Deadline(CoarseTimer& timer, Clock::duration from_now) : Entry(timer) { set(from_now); }
  void set(Clock::duration from_now) {
    due_ = Clock::now() + from_now;
    set_deadline(from_now);
  }
  void clear() { clear_deadline(); }
  [[nodiscard]] int fired() const { return fired_; }
  [[nodiscard]] bool was_early() const { return early_; }

 private:
  void on_deadline() override {
    ++fired_;
    early_ = early_ || Clock::now() < due_;
  }
  Clock::time_point due_;
  int fired_ = 0;
  bool early_ = false;
};

// So close together that some are due right behind each time the timer looks.
TEST(CoarseTimer, NoneOfManyDeadlinesComesEarlyAndEachOnce) {
  boost::asio::io_context io;
  CoarseTimer timer(io.get_executor());
  std::deque<Deadline> deadlines;
  for (microseconds due{0}; due < milliseconds(600); due += microseconds(100)) {
    deadlines.emplace_back(timer, due);
  }
  io.run();
  for (const auto& one : deadlines) {
    EXPECT_EQ(one.fired(), 1);
    EXPECT_FALSE(one.was_early());
  }
}

TEST(CoarseTimer, OneThatIsClearedOrGoneNeverComesAndOneThatIsMovedComesOnce) {
  boost::asio::io_context io;
  CoarseTimer timer(io.get_executor());
  Deadline cleared(timer, milliseconds(1));
  Deadline moved(timer, milliseconds(1));
  {
    const Deadline gone(timer, milliseconds(1));
  }
  cleared.clear();
  moved.set(milliseconds(400));
  io.run();
  EXPECT_EQ(cleared.fired(), 0);
  EXPECT_EQ(moved.fired(), 1);
  EXPECT_FALSE(moved.was_early());
}

}  // namespace
}  // namespace deployclaw::net
