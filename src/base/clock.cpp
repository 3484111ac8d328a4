#include "base/clock.hpp"

#include <fmt/format.h>

#include <array>

namespace deployclaw {
namespace {

// Reads exactly `digits` decimal digits at `at`; -1 when they are not there.
int number(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string format_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  if (text[10] != 'T' && text[10] != 't') return std::nullopt;
  const std::array parts{number(text, 0, 4),  number(text, 5, 2),  number(text, 8, 2),
                         number(text, 11, 2), number(text, 14, 2), number(text, 17, 2)};
  for (const int part : parts) {
    if (part < 0) return std::nullopt;
  }
  const year_month_day date{year{parts[0]}, month{static_cast<unsigned>(parts[1])},
                            day{static_cast<unsigned>(parts[2])}};
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  Time time = sys_days{date} + hours{parts[3]} + minutes{parts[4]} + seconds{parts[5]};

  std::size_t at = 19;
  if (text[at] == '.') {
    int scale = 100'000;
    std::size_t digits = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      time += microseconds{(text[at] - '0') * scale};
      scale /= 10;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
  }
  if (at >= text.size()) return std::nullopt;
  const char zone = text[at];
  if ((zone == 'Z' || zone == 'z') && at + 1 == text.size()) return time;
  if ((zone != '+' && zone != '-') || at + 6 != text.size() || text[at + 3] != ':') {
    return std::nullopt;
  }
  const int hour = number(text, at + 1, 2);
  const int minute = number(text, at + 4, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
  const auto offset = hours{hour} + minutes{minute};
  return zone == '+' ? time - offset : time + offset;
}

}  // namespace deployclaw
