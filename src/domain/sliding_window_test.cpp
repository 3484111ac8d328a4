#include "domain/sliding_window.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace deployclaw::domain {
namespace {

constexpr Millis kStart = 1'750'000'000'000;

// The rule as it is written: every admission of the last day, looked at one by one.
class Reference {
 public:
  bool admit(Millis now, const WindowLimits& limits) {
    now_ = std::max(now_, now);
    if (count(kHour) >= limits.per_hour || count(kDay) >= limits.per_day) return false;
    admissions_.push_back(now_);
    return true;
  }
  // By trying every moment at which something changes.
  Millis next(const WindowLimits& limits) const {
    std::vector<Millis> moments;
    for (const auto at : admissions_) {
      moments.push_back(at + kHour);
      moments.push_back(at + kDay);
    }
    std::ranges::sort(moments);
    for (const auto moment : moments) {
      auto later = *this;
      if (moment > now_ && later.admit(moment, limits)) return moment;
    }
    return 0;
  }
  std::size_t count(Millis window) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(admissions_, [&](Millis at) { return now_ - at < window; }));
  }
  void turn_back_to(Millis now) {
    now_ = now;
    for (auto& at : admissions_) at = std::min(at, now);
  }
  Millis now() const { return now_; }

 private:
  std::vector<Millis> admissions_;
  Millis now_ = INT64_MIN;
};

Millis some_step() {
  return *rc::gen::oneOf(
      rc::gen::just(Millis{0}), rc::gen::inRange<Millis>(0, 1'000),
      rc::gen::inRange<Millis>(0, kHour / 4),
      rc::gen::element<Millis>(1, kHour - 1, kHour, kHour + 1, kDay - 1, kDay, kDay + 1, 60 * kDay),
      rc::gen::inRange<Millis>(-2 * kHour, 0));
}

WindowLimits some_limits() {
  const auto hour = *rc::gen::inRange<std::uint32_t>(1, 8);
  return {.per_hour = hour, .per_day = hour + *rc::gen::inRange<std::uint32_t>(0, 12)};
}

RC_GTEST_PROP(SlidingWindow, AdmitsExactlyWhatTheRuleAdmits, ()) {
  Reference reference;
  SlidingWindow window;
  auto limits = some_limits();
  Millis now = kStart;
  const auto steps = *rc::gen::inRange(1, 120);
  for (int i = 0; i < steps; ++i) {
    now += some_step();
    switch (*rc::gen::inRange(0, 12)) {
      case 0:
        limits = some_limits();
        break;
      case 1: {  // another life, whose clock may be behind
        const auto saved = window.admissions();
        window = SlidingWindow();
        window.load(saved, now);
        reference.turn_back_to(now);
        break;
      }
      default:
        break;
    }
    const bool admitted = reference.admit(now, limits);
    const auto full = window.admit(now, limits);
    RC_ASSERT(admitted == !full);
    RC_ASSERT(window.count(Window::kHour, now) == reference.count(kHour));
    RC_ASSERT(window.count(Window::kDay, now) == reference.count(kDay));
    if (full) RC_ASSERT(full->next == reference.next(limits));
  }
}

RC_GTEST_PROP(SlidingWindow, WhatIsTakenBackNeverWas, ()) {
  SlidingWindow window;
  SlidingWindow other;
  const WindowLimits limits{.per_hour = 5, .per_day = 9};
  Millis now = kStart;
  for (int i = 0; i < 60; ++i) {
    now += *rc::gen::inRange<Millis>(0, kHour);
    if (*rc::gen::inRange(0, 3) == 0) {
      if (!window.admit(now, limits)) window.take_back(now);
      continue;
    }
    RC_ASSERT(window.admit(now, limits).has_value() == other.admit(now, limits).has_value());
    RC_ASSERT(window.count(Window::kHour, now) == other.count(Window::kHour, now));
    RC_ASSERT(window.admissions() == other.admissions());
  }
}

TEST(SlidingWindow, HoldsNoMoreThanTheLimitInAnySpan) {
  SlidingWindow window;
  const WindowLimits limits{.per_hour = 3, .per_day = 100};
  std::vector<Millis> admitted;
  for (Millis now = kStart; now < kStart + (5 * kHour); now += 61'000) {
    if (!window.admit(now, limits)) admitted.push_back(now);
  }
  for (std::size_t i = 3; i < admitted.size(); ++i) {
    EXPECT_GE(admitted[i] - admitted[i - 3], kHour);
  }
  EXPECT_EQ(admitted.size(), 15U);
}

TEST(SlidingWindow, NamesTheWindowThatHasRoomLast) {
  SlidingWindow window;
  EXPECT_FALSE(window.admit(kStart, {.per_hour = 1, .per_day = 1}));
  const auto both = window.admit(kStart + 1, {.per_hour = 1, .per_day = 1});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->window, Window::kDay);
  EXPECT_EQ(both->next, kStart + kDay);
  const auto hour = window.admit(kStart + 1, {.per_hour = 1, .per_day = 2});
  ASSERT_TRUE(hour);
  EXPECT_EQ(hour->window, Window::kHour);
  EXPECT_EQ(hour->next, kStart + kHour);
}

TEST(SlidingWindow, ALimitOfNothingAdmitsNothing) {
  SlidingWindow window;
  EXPECT_TRUE(window.admit(kStart, {.per_hour = 0, .per_day = 0}));
  EXPECT_TRUE(window.admit(kStart + (3 * kDay), {.per_hour = 0, .per_day = 0}));
}

TEST(SlidingWindow, TakesFourBytesForEachAdmissionAndGivesThemBack) {
  SlidingWindow window;
  const WindowLimits limits{.per_hour = 1'000'000, .per_day = 1'000'000};
  for (Millis i = 0; i < 300'000; ++i) EXPECT_FALSE(window.admit(kStart + (i * 200), limits));
  EXPECT_LE(window.memory(), 300'000U * 8) << "a growing vector is at most twice too large";
  for (Millis i = 0; i < 10; ++i) window.admit(kStart + (3 * kDay) + i, limits);
  EXPECT_LE(window.memory(), 4'096U);
}

}  // namespace
}  // namespace deployclaw::domain
