#include "domain/metric_window.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace deployclaw::domain {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::seconds;

const Time kNow = *parse_time("2026-11-24T10:07:23.456Z");

TEST(MetricStretch, BeginsAtAMultipleOfItsLength) {
  EXPECT_EQ(format_time(metric_stretch(kNow, 15s)), "2026-11-24T10:07:15.000Z");
  EXPECT_EQ(format_time(metric_stretch(kNow, 1h)), "2026-11-24T10:00:00.000Z");
  EXPECT_EQ(metric_stretch(Time(30s), 15s), Time(30s));
  EXPECT_EQ(metric_stretch(Time(-1s), 15s), Time(-15s));
}

TEST(NamedWindow, AnHourIsShownInWholeSamples) {
  const auto window = named_window("1h", kNow);
  ASSERT_TRUE(window);
  EXPECT_EQ(format_time(window->from), "2026-11-24T09:07:15.000Z");
  EXPECT_EQ(format_time(window->to()), "2026-11-24T10:07:15.000Z");
  EXPECT_EQ(window->step, 15s);
  EXPECT_EQ(window->count, 240);
  EXPECT_EQ(window->resolution, 15s);
}

TEST(NamedWindow, LongerOnesHoldTheStepThatGoesOn) {
  const auto day = named_window("24h", kNow);
  ASSERT_TRUE(day);
  EXPECT_EQ(format_time(day->to()), "2026-11-24T10:10:00.000Z");
  EXPECT_EQ(day->resolution, 60s);
  const auto month = named_window("30d", kNow);
  ASSERT_TRUE(month);
  EXPECT_EQ(format_time(month->to()), "2026-11-24T12:00:00.000Z");
  EXPECT_EQ(month->count, 180);
  EXPECT_EQ(month->resolution, 900s);
}

TEST(NamedWindow, EachHasABoundedNumberOfStepsMadeOfWholeSamples) {
  for (const char* range : {"1h", "6h", "24h", "7d", "30d"}) {
    const auto window = named_window(range, kNow);
    ASSERT_TRUE(window) << range;
    EXPECT_LE(window->count, kMostMetricSteps) << range;
    EXPECT_EQ(window->step % window->resolution, 0s) << range;
    EXPECT_EQ(metric_stretch(window->from, window->step), window->from) << range;
  }
  EXPECT_FALSE(named_window("2h", kNow));
  EXPECT_FALSE(named_window("", kNow));
}

TEST(CoveringWindow, TakesTheStepAsAskedForWhereItCan) {
  const auto window = covering_window(kNow - 1h, kNow, 30s, kNow);
  EXPECT_EQ(window.step, 30s);
  EXPECT_EQ(window.resolution, 15s);
  EXPECT_EQ(format_time(window.from), "2026-11-24T09:07:00.000Z");
  EXPECT_EQ(format_time(window.to()), "2026-11-24T10:07:30.000Z");
}

TEST(CoveringWindow, MakesStepsLongerWhereOnlyCoarserSamplesAreKept) {
  EXPECT_EQ(covering_window(kNow - 3h, kNow - 2h, 15s, kNow).step, 60s);
  EXPECT_EQ(covering_window(kNow - 3h, kNow - 2h, 90s, kNow).step, 120s);
  EXPECT_EQ(covering_window(kNow - days(3), kNow - days(3) + 1h, 15s, kNow).step, 900s);
}

RC_GTEST_PROP(CoveringWindow, HoldsWhatWasAskedForInFewSteps, ()) {
  const auto ago = *rc::gen::inRange<std::int64_t>(1, 40 * 86400);
  const auto length = *rc::gen::inRange<std::int64_t>(1, 40 * 86400);
  const auto step = seconds(*rc::gen::inRange<std::int64_t>(1, 86400));
  const Time from = kNow - seconds(ago);
  const Time to = from + seconds(length);
  const auto window = covering_window(from, to, step, kNow);
  RC_ASSERT(window.count >= 1 && window.count <= kMostMetricSteps);
  RC_ASSERT(window.step >= step);
  RC_ASSERT(window.step % window.resolution == 0s);
  RC_ASSERT(window.from == metric_stretch(window.from, window.step));
  RC_ASSERT(window.from <= std::max(from, kNow - days(30)));
  RC_ASSERT(window.to() >= to);
}

}  // namespace
}  // namespace deployclaw::domain
