#include "dns/label_budget.hpp"

#include <gtest/gtest.h>

namespace deployclaw::dns {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{std::chrono::seconds{1'800'000'000}};
std::string name(int i) { return "d" + std::to_string(i) + ".evil.example"; }

TEST(LabelBudget, RefusesOneNameTooManyBelowAWildcard) {
  LabelBudget budget;
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(budget.admit("*.evil.example", name(i), kStart)) << i;
  EXPECT_FALSE(budget.admit("*.evil.example", name(64), kStart));
  EXPECT_TRUE(budget.admit("*.evil.example", name(0), kStart));  // known ones go on
  EXPECT_TRUE(budget.admit("*.other.example", "a.other.example", kStart));
}

TEST(LabelBudget, DoesNotCountExactNames) {
  LabelBudget budget(1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.admit(name(i), name(i), kStart));
  EXPECT_TRUE(budget.counted().empty());
}

TEST(LabelBudget, SlidesWithEachNamesFirstUse) {
  LabelBudget budget(2);
  EXPECT_TRUE(budget.admit("*.x", "a.x", kStart));
  EXPECT_TRUE(budget.admit("*.x", "b.x", kStart + 30min));
  EXPECT_TRUE(budget.admit("*.x", "a.x", kStart + 59min));  // used, but first seen long ago
  EXPECT_FALSE(budget.admit("*.x", "c.x", kStart + 59min));
  EXPECT_TRUE(budget.admit("*.x", "c.x", kStart + 60min));
  EXPECT_FALSE(budget.admit("*.x", "a.x", kStart + 60min));
}

TEST(LabelBudget, NeverAdmitsMoreInAnyWindowThanItsLimit) {
  LabelBudget budget(5, 1min);
  std::vector<Time> admitted;
  for (int i = 0; i < 2'000; ++i) {
    const Time now = kStart + std::chrono::milliseconds(i * 137);
    if (budget.admit("*.x", name(i), now)) admitted.push_back(now);
  }
  ASSERT_GT(admitted.size(), 20U);
  for (std::size_t i = 5; i < admitted.size(); ++i) {
    EXPECT_GE(admitted[i] - admitted[i - 5], 1min);
  }
}

TEST(LabelBudget, IsNotRefilledByARestart) {
  LabelBudget before(2);
  before.admit("*.x", "a.x", kStart);
  before.admit("*.x", "b.x", kStart);
  LabelBudget after(2);
  after.preload(before.counted());
  EXPECT_FALSE(after.admit("*.x", "c.x", kStart + 1min));
  EXPECT_EQ(after.counted(), before.counted());
}

TEST(LabelBudget, ForgetsPatternsThatAreNoLongerUsed) {
  LabelBudget budget;
  for (int i = 0; i < 100; ++i) budget.admit("*." + name(i), "a." + name(i), kStart);
  budget.admit("*.x", "a.x", kStart + 2h);
  EXPECT_EQ(budget.counted().size(), 1U);
}

}  // namespace
}  // namespace deployclaw::dns
