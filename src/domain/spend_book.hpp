#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "domain/sliding_window.hpp"

namespace deployclaw::domain {

// Millionths of a US dollar.
using MicroDollars = std::uint64_t;

// Days since 1970, UTC.
using DayNumber = std::int32_t;
DayNumber day_of(Millis now);
// When the day after the one of `now` begins.
Millis next_midnight(Millis now);

// What one agent spends on models, by UTC day: what is settled, and what running calls may still
// cost. The sum never exceeds the cap by a grant of this book, whatever runs at once. A call
// belongs to the day on which it was granted. All sums saturate. Pure; one thread.
class SpendBook {
 public:
  // Which run of a worker, and which intent of it.
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  enum class Verdict : std::uint8_t {
    kGranted,
    kBusy,    // running calls hold what it needs: some of that may come back
    kRefused  // until the next day, or a higher cap
  };
  struct Answer {
    Verdict verdict = Verdict::kRefused;
    MicroDollars granted = 0;
  };

  // Asks for `least` to `wanted` micro-dollars. Half of what is left is the most a call gets beyond
  // its least, so that the next one finds something. A cap of 0 means no call at all, even a free
  // one.
  Answer reserve(Key key, Millis now, MicroDollars least, MicroDollars wanted, MicroDollars cap);
  // The call can no longer cost more than this. Never raises.
  void lower(Key key, MicroDollars to);
  // The call has ended and cost so much; nullopt: all that is reserved. Nothing for an unknown key.
  void settle(Key key, std::optional<MicroDollars> spent);
  // The call was never made.
  void take_back(Key key);

  // Spent in a former life.
  void load(DayNumber day, MicroDollars spent);

  struct Open {
    DayNumber day = 0;
    MicroDollars reserved = 0;
  };
  [[nodiscard]] std::optional<Open> find(Key key) const;
  [[nodiscard]] MicroDollars settled(DayNumber day) const;
  [[nodiscard]] MicroDollars reserved(DayNumber day) const;
  [[nodiscard]] bool has_open() const { return !open_.empty(); }

 private:
  struct Day {
    MicroDollars settled = 0;
    MicroDollars reserved = 0;
  };
  void forget_before(DayNumber day);
  std::optional<Open> close(Key key);

  std::map<DayNumber, Day> days_;
  std::map<Key, Open> open_;
};

}  // namespace deployclaw::domain
