#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/ids.hpp"
#include "domain/default_limits.hpp"
#include "domain/sliding_window.hpp"
#include "domain/spend_book.hpp"
#include "egress/messages.hpp"

namespace deployclaw::egress {

// An intent's charge as it was admitted; how it lies in the spool and in the database.
struct Admission {
  std::uint8_t scope = kNoScope;
  domain::Millis at = 0;            // 0: nothing was charged
  domain::MicroDollars amount = 0;  // of an intent: reserved; of an outcome: spent
  bool operator==(const Admission&) const = default;
};

// What every agent of this host has used, and the one place that admits more: its windows by scope
// and its spend of the day, against the limits that the supervisor read from the database. An agent
// whose limits or past use are not known is refused. One thread; no clock of its own.
class Ledger {
 public:
  using Key = domain::SpendBook::Key;  // of an intent
  using Millis = domain::Millis;
  using MicroDollars = domain::MicroDollars;

  // From now on; what is used already stays used.
  void set_limits(AgentId agent, const domain::AgentLimits& limits);
  // What a former life used, for an agent that has none loaded yet; afterwards it is admitted.
  struct Past {
    std::array<std::vector<Millis>, domain::kScopes.size()> uses;
    // By day; also what was reserved for calls of which nobody knows how they ended.
    std::vector<std::pair<domain::DayNumber, MicroDollars>> spent;
  };
  void load(AgentId agent, Past past, Millis now);
  // Nobody is loaded any more.
  void forget_uses();
  // Drops the agents that are none of these and have no running call: they are gone, or on another
  // host. One that comes back has to be loaded again.
  void forget_others(const std::set<AgentId>& kept);

  enum class Verdict : std::uint8_t {
    kAdmitted,
    kRefused,
    // Running model calls hold the money, or the agent is not loaded yet: to be asked again.
    kBusy,
  };
  struct Ruling {
    Verdict verdict = Verdict::kRefused;
    Admission admission = {};   // kAdmitted
    LimitRefusal refusal = {};  // kRefused, and what to say when a busy one has waited enough
  };
  // What is in the way of one more use of `scope`, without counting it. Nothing for what has no
  // windows, nor while it is not known what was used: judge() has the last word.
  std::optional<LimitRefusal> check(AgentId agent, std::uint8_t scope, Millis now);
  // Counts a charge, or says what is in its way.
  Ruling judge(AgentId agent, Key key, const Charge& charge, Millis now);
  // Undoes an admission that came to nothing.
  void take_back(AgentId agent, Key key, const Admission& admission);
  // See domain::SpendBook.
  void lower(AgentId agent, Key key, MicroDollars reserved);
  void settle(AgentId agent, Key key, std::optional<MicroDollars> spent);
  // What is reserved for a running call.
  [[nodiscard]] std::optional<domain::SpendBook::Open> find(AgentId agent, Key key) const;

 private:
  struct Account {
    std::optional<domain::AgentLimits> limits;
    bool loaded = false;
    std::array<domain::SlidingWindow, domain::kScopes.size()> uses;
    domain::SpendBook spend;
    [[nodiscard]] bool is_ready() const { return limits && loaded; }
  };
  static std::optional<LimitRefusal> check(Account& account, std::uint8_t scope, Millis now);
  std::unordered_map<AgentId, Account> accounts_;
};

}  // namespace deployclaw::egress
