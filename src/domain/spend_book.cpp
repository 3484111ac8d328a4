#include "domain/spend_book.hpp"

#include <algorithm>

namespace deployclaw::domain {

namespace {

MicroDollars sum(MicroDollars a, MicroDollars b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
MicroDollars difference(MicroDollars a, MicroDollars b) { return a > b ? a - b : 0; }

}  // namespace

DayNumber day_of(Millis now) {
  const Millis day = now / kDay;
  return static_cast<DayNumber>(now % kDay < 0 ? day - 1 : day);
}

Millis next_midnight(Millis now) { return (Millis{day_of(now)} + 1) * kDay; }

SpendBook::Answer SpendBook::reserve(Key key, Millis now, MicroDollars least, MicroDollars wanted,
                                     MicroDollars cap) {
  const DayNumber today = day_of(now);
  forget_before(today);
  auto& day = days_[today];
  wanted = std::max(least, wanted);
  const auto unspent = difference(cap, day.settled);
  if (cap == 0 || least > unspent || unspent == 0) return {.verdict = Verdict::kRefused};
  const auto left = difference(unspent, day.reserved);
  if (least > left || left == 0) return {.verdict = Verdict::kBusy};
  const auto granted = std::min(wanted, std::max(least, left / 2));
  const auto [place, fresh] = open_.try_emplace(key, Open{.day = today, .reserved = granted});
  if (!fresh) return {.verdict = Verdict::kRefused};
  day.reserved += granted;
  return {.verdict = Verdict::kGranted, .granted = granted};
}

void SpendBook::lower(Key key, MicroDollars to) {
  const auto found = open_.find(key);
  if (found == open_.end() || found->second.reserved <= to) return;
  auto& day = days_[found->second.day];
  day.reserved = sum(difference(day.reserved, found->second.reserved), to);
  found->second.reserved = to;
}

void SpendBook::settle(Key key, std::optional<MicroDollars> spent) {
  const auto open = close(key);
  if (!open) return;
  auto& day = days_[open->day];
  day.settled = sum(day.settled, spent.value_or(open->reserved));
}

void SpendBook::take_back(Key key) { close(key); }

void SpendBook::load(DayNumber day, MicroDollars spent) {
  days_[day].settled = sum(days_[day].settled, spent);
}

std::optional<SpendBook::Open> SpendBook::find(Key key) const {
  const auto found = open_.find(key);
  return found == open_.end() ? std::nullopt : std::optional(found->second);
}

MicroDollars SpendBook::settled(DayNumber day) const {
  const auto found = days_.find(day);
  return found == days_.end() ? 0 : found->second.settled;
}

MicroDollars SpendBook::reserved(DayNumber day) const {
  const auto found = days_.find(day);
  return found == days_.end() ? 0 : found->second.reserved;
}

// Days that are over matter while calls of theirs run.
void SpendBook::forget_before(DayNumber day) {
  std::erase_if(days_,
                [&](const auto& entry) { return entry.first < day && entry.second.reserved == 0; });
}

std::optional<SpendBook::Open> SpendBook::close(Key key) {
  const auto found = open_.find(key);
  if (found == open_.end()) return std::nullopt;
  const auto open = found->second;
  open_.erase(found);
  auto& day = days_[open.day];
  day.reserved = difference(day.reserved, open.reserved);
  return open;
}

}  // namespace deployclaw::domain
