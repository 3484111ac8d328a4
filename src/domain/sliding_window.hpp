#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace deployclaw::domain {

// Milliseconds since 1970.
using Millis = std::int64_t;
inline constexpr Millis kHour = 3'600'000;
inline constexpr Millis kDay = 86'400'000;

enum class Window : std::uint8_t { kHour = 1, kDay = 2 };

// How often a thing may be done. Never unlimited: see default_limits.hpp.
struct WindowLimits {
  std::uint32_t per_hour = 0;
  std::uint32_t per_day = 0;
  bool operator==(const WindowLimits&) const = default;
};

// The admissions of the last day, each to the millisecond: one at t counts while now - t is less
// than the window. So any span of one window's length holds at most the limit, wherever it begins.
// Four bytes for each admission; all calls take amortised constant time. A `now` before the last
// one counts as the last one. Pure; one thread.
class SlidingWindow {
 public:
  struct Full {
    Window window;    // the one that has room last
    Millis next = 0;  // when an admission fits, if nothing else is admitted before
  };

  // Counts an admission at `now`, or answers what is in its way and counts nothing.
  std::optional<Full> admit(Millis now, const WindowLimits& limits);
  // As admit(), without counting.
  std::optional<Full> check(Millis now, const WindowLimits& limits);
  // Undoes the last admission at `at`; nothing when there is none.
  void take_back(Millis at);
  // Counts what was admitted in a former life, in any order. What is later than `now` counts as
  // now: a clock that was ahead must not give anything away.
  void load(std::vector<Millis> admissions, Millis now);

  [[nodiscard]] std::size_t count(Window window, Millis now);
  // All that still count, in order.
  [[nodiscard]] std::vector<Millis> admissions() const;
  // Bytes on the heap.
  [[nodiscard]] std::size_t memory() const { return offsets_.capacity() * sizeof(std::uint32_t); }

 private:
  void advance(Millis now);
  void compact();
  void push(Millis at);
  [[nodiscard]] Millis at(std::size_t index) const { return base_ + offsets_[index]; }

  std::vector<std::uint32_t> offsets_;  // from base_, never falling
  Millis base_ = 0;
  Millis last_ = INT64_MIN;
  std::size_t day_ = 0;   // the first that counts for the day
  std::size_t hour_ = 0;  // for the hour
};

}  // namespace deployclaw::domain
