#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace deployclaw::egress {

// When what a worker has gathered for the audit log is to go: early enough for whoever waits for
// it, late enough for one disk sync to serve many. Whoever waits alone waits for nobody. With other
// intents under way it takes kQuietTurns turns of the worker's loop in a row that brought nothing
// to tell, for those may be about to tell something too. And since whoever has just been answered
// often asks again at once, an intent waits for as many others as have ended, for a moment. While
// intents are out, with no answer yet, the next ones wait here: with the others of the next sync.
//
// Only counts: what is gathered is its owner's, who says what happens, and when. Time never falls.
class Gathering {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // How long an intent waits for others at the most.
  struct Patience {
    std::chrono::microseconds in_all{1000};
    std::chrono::microseconds after_an_end{300};  // of the last that ended
  };
  static constexpr int kQuietTurns = 3;
  static constexpr std::size_t kMostRecords = 128;

  explicit Gathering(const Patience& patience) : patience_(patience) {}

  // A record was put with the others. True when that makes as many as may be gathered.
  bool add();
  // The record that comes next is an intent.
  void intend();
  // An intent has its outcome: who made it may be about to ask again.
  void end(Time now);
  // An intent never was.
  void forget() { --under_way_; }
  // From now on somebody waits for what is gathered.
  void begin(Time now) { since_ = now; }
  // Everything has gone; intents among it are out.
  void clear();
  // An answer came: no intents are out any more.
  void answered() { out_ = false; }

  enum class Next : std::uint8_t { kGo, kAnotherTurn, kRest };
  // At each turn of the loop: kRest means until rests_until(), another record or an answer.
  Next next(Time now);
  [[nodiscard]] Time rests_until() const;

 private:
  [[nodiscard]] bool awaits(Time now) const;
  [[nodiscard]] bool awaits_answer() const;

  const Patience patience_;
  std::size_t records_ = 0;    // gathered
  std::size_t intents_ = 0;    // of them
  std::size_t under_way_ = 0;  // intents without an outcome, wherever they are
  std::size_t awaited_ = 0;    // that ended and have no successor yet
  Time ended_;                 // the last one
  bool out_ = false;           // intents went that nobody has answered
  Time since_;
  std::size_t seen_ = 0;  // records_ at the last turn
  int quiet_turns_ = 0;   // in a row
};

}  // namespace deployclaw::egress
