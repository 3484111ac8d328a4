#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace deployclaw {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

// Wall clock as a capability, so that tests can turn it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = Time{std::chrono::seconds{1'750'000'000}}) : now_(start) {}
  [[nodiscard]] Time now() const override { return now_; }
  void advance(std::chrono::microseconds by) { now_ += by; }
  void set(Time to) { now_ = to; }

 private:
  Time now_;
};

// RFC 3339 UTC with milliseconds: 2026-11-24T20:49:34.120Z.
std::string format_time(Time time);
// Accepts RFC 3339 with Z or a numeric offset and up to 9 fraction digits; nullopt otherwise.
std::optional<Time> parse_time(std::string_view text);

}  // namespace deployclaw
