#include "egress/gathering.hpp"

#include <algorithm>
#include <utility>

namespace deployclaw::egress {

bool Gathering::add() { return ++records_ >= kMostRecords; }

void Gathering::intend() {
  ++intents_;
  ++under_way_;
  if (awaited_ > 0) --awaited_;
}

void Gathering::end(Time now) {
  --under_way_;
  const bool at_once = now - std::exchange(ended_, now) < patience_.after_an_end;
  awaited_ = at_once ? awaited_ + 1 : 1;
}

void Gathering::clear() {
  out_ = out_ || intents_ > 0;
  records_ = 0;
  intents_ = 0;
  seen_ = 0;
  quiet_turns_ = 0;
}

Gathering::Next Gathering::next(Time now) {
  const bool alone = under_way_ < 2 && !awaits(now);
  if (alone || records_ >= kMostRecords || now - since_ >= patience_.in_all) return Next::kGo;
  if (awaits_answer()) return Next::kRest;
  const bool quiet = std::exchange(seen_, records_) == records_;
  quiet_turns_ = quiet ? quiet_turns_ + 1 : 0;
  if (quiet_turns_ < kQuietTurns) return Next::kAnotherTurn;
  return awaits(now) ? Next::kRest : Next::kGo;
}

bool Gathering::awaits(Time now) const {
  return intents_ > 0 && awaited_ > 0 && now - ended_ < patience_.after_an_end;
}

bool Gathering::awaits_answer() const { return out_ && intents_ > 0 && under_way_ > intents_; }

Gathering::Time Gathering::rests_until() const {
  const auto at_most = since_ + patience_.in_all;
  return awaits_answer() ? at_most : std::min(ended_ + patience_.after_an_end, at_most);
}

}  // namespace deployclaw::egress
