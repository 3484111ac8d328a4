#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace deployclaw::egress {

// How many lines one worker may cause in the supervisor's log: a burst, then one every ten seconds.
// Pure.
class LogLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr double kBurst = 20;
  static constexpr double kPerSecond = 0.1;

  // nullopt when the line must not be written now; else how many were not, since the last that was.
  std::optional<std::uint64_t> admit(Clock::time_point now) {
    if (last_) {
      const std::chrono::duration<double> passed = now - *last_;
      allowance_ = std::min(kBurst, allowance_ + passed.count() * kPerSecond);
    }
    last_ = now;
    if (allowance_ < 1) {
      ++suppressed_;
      return std::nullopt;
    }
    allowance_ -= 1;
    return std::exchange(suppressed_, 0);
  }

 private:
  double allowance_ = kBurst;
  std::optional<Clock::time_point> last_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace deployclaw::egress
