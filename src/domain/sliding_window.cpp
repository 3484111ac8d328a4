#include "domain/sliding_window.hpp"

#include <algorithm>

namespace deployclaw::domain {

namespace {
constexpr std::size_t kWorthCompacting = 16;
}

std::optional<SlidingWindow::Full> SlidingWindow::check(Millis now, const WindowLimits& limits) {
  advance(now);
  const std::size_t size = offsets_.size();
  const auto room_at = [&](std::size_t first, std::uint32_t limit, Millis window) {
    if (size - first < limit) return last_;
    // Never, with a limit of nothing; a whole window is as good an answer as any.
    return (limit == 0 ? last_ : at(size - limit)) + window;
  };
  const Millis hour = room_at(hour_, limits.per_hour, kHour);
  const Millis day = room_at(day_, limits.per_day, kDay);
  if (std::max(hour, day) <= last_) return std::nullopt;
  return hour > day ? Full{.window = Window::kHour, .next = hour}
                    : Full{.window = Window::kDay, .next = day};
}

std::optional<SlidingWindow::Full> SlidingWindow::admit(Millis now, const WindowLimits& limits) {
  auto full = check(now, limits);
  if (!full) push(last_);
  return full;
}

void SlidingWindow::take_back(Millis moment) {
  for (std::size_t i = offsets_.size(); i > day_ && at(i - 1) >= moment; --i) {
    if (at(i - 1) != moment) continue;
    offsets_.erase(offsets_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    if (i <= hour_) --hour_;
    return;
  }
}

void SlidingWindow::load(std::vector<Millis> admissions, Millis now) {
  advance(now);
  const auto known = this->admissions();
  admissions.insert(admissions.end(), known.begin(), known.end());
  for (auto& one : admissions) one = std::min(one, last_);
  std::erase_if(admissions, [&](Millis one) { return last_ - one >= kDay; });
  std::ranges::sort(admissions);
  offsets_.clear();
  day_ = 0;
  hour_ = 0;
  for (const auto one : admissions) push(one);
  advance(last_);
}

std::size_t SlidingWindow::count(Window window, Millis now) {
  advance(now);
  return offsets_.size() - (window == Window::kHour ? hour_ : day_);
}

std::vector<Millis> SlidingWindow::admissions() const {
  std::vector<Millis> out;
  out.reserve(offsets_.size() - day_);
  for (std::size_t i = day_; i < offsets_.size(); ++i) out.push_back(at(i));
  return out;
}

void SlidingWindow::advance(Millis now) {
  last_ = std::max(last_, now);
  while (day_ < offsets_.size() && last_ - at(day_) >= kDay) ++day_;
  hour_ = std::max(hour_, day_);
  while (hour_ < offsets_.size() && last_ - at(hour_) >= kHour) ++hour_;
  if (day_ >= kWorthCompacting && day_ * 2 >= offsets_.size()) compact();
}

// Drops what no longer counts, and counts from the first that does.
void SlidingWindow::compact() {
  const auto shift = day_ < offsets_.size() ? offsets_[day_] : 0;
  offsets_.erase(offsets_.begin(), offsets_.begin() + static_cast<std::ptrdiff_t>(day_));
  for (auto& offset : offsets_) offset -= shift;
  base_ += shift;
  hour_ -= day_;
  day_ = 0;
  if (offsets_.capacity() > 4 * (offsets_.size() + kWorthCompacting)) offsets_.shrink_to_fit();
}

void SlidingWindow::push(Millis moment) {
  // After weeks without a compaction; what counts spans a day at most.
  if (!offsets_.empty() && moment - base_ > Millis{UINT32_MAX}) compact();
  if (offsets_.empty()) base_ = moment;
  offsets_.push_back(static_cast<std::uint32_t>(moment - base_));
}

}  // namespace deployclaw::domain
