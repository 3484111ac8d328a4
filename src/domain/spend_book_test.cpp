#include "domain/spend_book.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace deployclaw::domain {
namespace {

constexpr Millis kStart = 1'750'000'000'000;
using Verdict = SpendBook::Verdict;

// What is known for certain of the running calls, kept beside the book.
struct World {
  std::map<SpendBook::Key, MicroDollars> running;  // still reserved
  std::map<DayNumber, MicroDollars> settled;
  SpendBook book;
  Millis now = kStart;
  std::uint64_t next = 1;

  MicroDollars reserved_today() const {
    MicroDollars sum = 0;
    for (const auto& [key, amount] : running) {
      const auto open = book.find(key);
      if (open && open->day == day_of(now)) sum += amount;
    }
    return sum;
  }
  SpendBook::Key some_call() const {
    auto place = running.begin();
    std::advance(place,
                 *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(running.size())));
    return place->first;
  }
  void settle(SpendBook::Key key, std::optional<MicroDollars> spent) {
    const auto open = book.find(key);
    settled[open->day] += spent.value_or(open->reserved);
    book.settle(key, spent);
    running.erase(key);
  }
  // Everything that runs is cut off and counts as spent; a book is made from what is stored.
  void crash() {
    while (!running.empty()) settle(running.begin()->first, std::nullopt);
    book = SpendBook();
    for (const auto& [day, amount] : settled) book.load(day, amount);
  }
};

RC_GTEST_PROP(SpendBook, SettledAndReservedNeverExceedTheCap, ()) {
  World world;
  const auto cap = *rc::gen::inRange<MicroDollars>(1, 2'000);
  const auto steps = *rc::gen::inRange(1, 150);
  for (int i = 0; i < steps; ++i) {
    const int what = *rc::gen::inRange(0, 10);
    if (what < 5 || world.running.empty()) {
      const auto least = *rc::gen::inRange<MicroDollars>(0, cap + 2);
      const auto wanted = least + *rc::gen::inRange<MicroDollars>(0, 3'000);
      const SpendBook::Key key{7, world.next++};
      const auto unspent = cap - world.book.settled(day_of(world.now));
      const auto left = unspent - world.reserved_today();
      const auto answer = world.book.reserve(key, world.now, least, wanted, cap);
      switch (answer.verdict) {
        case Verdict::kGranted:
          RC_ASSERT(answer.granted >= least);
          RC_ASSERT(answer.granted <= wanted);
          RC_ASSERT(answer.granted <= left);
          world.running[key] = answer.granted;
          break;
        case Verdict::kBusy:
          RC_ASSERT(world.reserved_today() > 0U);
          RC_ASSERT(least > left || left == 0U);
          break;
        case Verdict::kRefused:
          RC_ASSERT(least > unspent || unspent == 0U);
          break;
      }
    } else if (what < 7) {
      const auto key = world.some_call();
      const auto to = *rc::gen::inRange<MicroDollars>(0, cap);
      world.book.lower(key, to);
      world.running[key] = std::min(world.running[key], to);
    } else if (what < 9) {
      const auto key = world.some_call();
      const bool knows = *rc::gen::arbitrary<bool>();
      const auto spent = *rc::gen::inRange<MicroDollars>(0, world.running[key] + 1);
      world.settle(key, knows ? std::optional(spent) : std::nullopt);
    } else if (*rc::gen::inRange(0, 3) == 0) {
      world.crash();
    } else {
      world.now += *rc::gen::element<Millis>(1, kHour, kDay / 2);
    }
    const auto today = day_of(world.now);
    RC_ASSERT(world.book.settled(today) == world.settled[today]);
    RC_ASSERT(world.book.reserved(today) == world.reserved_today());
    RC_ASSERT(world.book.settled(today) + world.book.reserved(today) <= cap);
  }
  // Nothing leaks: once everything has ended, all that was not spent is there again.
  while (!world.running.empty()) world.settle(world.running.begin()->first, 0);
  const auto today = day_of(world.now);
  RC_ASSERT(world.book.reserved(today) == 0U);
  RC_ASSERT(!world.book.has_open());
  const auto unspent = cap - world.settled[today];
  if (unspent == 0) return;
  const auto last = world.book.reserve({8, 1}, world.now, unspent, unspent, cap);
  RC_ASSERT(last.verdict == Verdict::kGranted);
}

TEST(SpendBook, GivesHalfOfWhatIsLeftButNeverLessThanTheLeast) {
  SpendBook book;
  EXPECT_EQ(book.reserve({1, 1}, kStart, 1, 1'000, 100).granted, 50U);
  EXPECT_EQ(book.reserve({1, 2}, kStart, 40, 1'000, 100).granted, 40U);
  EXPECT_EQ(book.reserve({1, 3}, kStart, 1, 3, 100).granted, 3U);
}

TEST(SpendBook, ACallBelongsToTheDayOfItsGrant) {
  SpendBook book;
  const auto before = next_midnight(kStart) - 1;
  EXPECT_EQ(book.reserve({1, 1}, before, 90, 90, 100).granted, 90U);
  EXPECT_EQ(book.reserve({1, 2}, before + 1, 90, 90, 100).granted, 90U);
  book.settle({1, 1}, 80);
  EXPECT_EQ(book.settled(day_of(before)), 80U);
  EXPECT_EQ(book.settled(day_of(before + 1)), 0U);
}

TEST(SpendBook, NoCapMeansNoCall) {
  SpendBook book;
  EXPECT_EQ(book.reserve({1, 1}, kStart, 0, 1, 0).verdict, Verdict::kRefused);
}

TEST(SpendBook, ALoweredCapRefusesUntilTheNextDay) {
  SpendBook book;
  EXPECT_EQ(book.reserve({1, 1}, kStart, 10, 10, 100).granted, 10U);
  EXPECT_EQ(book.reserve({1, 2}, kStart, 1, 1, 5).verdict, Verdict::kBusy) << "it may cost less";
  book.settle({1, 1}, 10);
  EXPECT_EQ(book.reserve({1, 2}, kStart, 1, 1, 5).verdict, Verdict::kRefused);
}

TEST(SpendBook, AmountsBeyondAllMeasureDoNotWrapAround) {
  SpendBook book;
  EXPECT_EQ(book.reserve({1, 1}, kStart, UINT64_MAX, UINT64_MAX, 100).verdict, Verdict::kRefused);
  EXPECT_EQ(book.reserve({1, 2}, kStart, 1, UINT64_MAX, 100).granted, 50U);
  book.settle({1, 2}, UINT64_MAX);
  book.load(day_of(kStart), UINT64_MAX);
  EXPECT_EQ(book.settled(day_of(kStart)), UINT64_MAX);
  EXPECT_EQ(book.reserve({1, 3}, kStart, 1, 1, UINT64_MAX).verdict, Verdict::kRefused);
}

TEST(SpendBook, TheSameCallIsReservedOnce) {
  SpendBook book;
  EXPECT_EQ(book.reserve({1, 1}, kStart, 1, 10, 100).granted, 10U);
  EXPECT_EQ(book.reserve({1, 1}, kStart, 1, 10, 100).verdict, Verdict::kRefused);
  EXPECT_EQ(book.reserved(day_of(kStart)), 10U);
}

}  // namespace
}  // namespace deployclaw::domain
