#include "egress/ledger.hpp"

#include <algorithm>
#include <utility>

namespace deployclaw::egress {

namespace {

using domain::Millis;
using Kind = LimitRefusal::Kind;

constexpr std::uint32_t kSoon = 5;
// What running calls hold comes back within minutes at most.
constexpr std::uint32_t kBusyFor = 20;

std::uint32_t seconds_until(Millis then, Millis now) {
  return static_cast<std::uint32_t>(std::clamp<Millis>((then - now + 999) / 1000, 1, UINT32_MAX));
}

}  // namespace

void Ledger::set_limits(AgentId agent, const domain::AgentLimits& limits) {
  accounts_[agent].limits = limits;
}

void Ledger::load(AgentId agent, Past past, Millis now) {
  auto& account = accounts_[agent];
  if (std::exchange(account.loaded, true)) return;
  for (std::size_t i = 0; i < past.uses.size(); ++i) {
    account.uses[i].load(std::move(past.uses[i]), now);
  }
  for (const auto& [day, spent] : past.spent) account.spend.load(day, spent);
}

void Ledger::forget_uses() {
  for (auto& [agent, account] : accounts_) {
    auto limits = std::move(account.limits);
    account = Account();
    account.limits = std::move(limits);
  }
}

void Ledger::forget_others(const std::set<AgentId>& kept) {
  std::erase_if(accounts_, [&](const auto& entry) {
    return !kept.contains(entry.first) && !entry.second.spend.has_open();
  });
}

std::optional<LimitRefusal> Ledger::check(Account& account, std::uint8_t scope, Millis now) {
  if (scope >= account.uses.size()) return std::nullopt;
  const auto& limits = account.limits->windows[scope];
  const auto full = account.uses[scope].check(now, limits);
  if (!full) return std::nullopt;
  return LimitRefusal{
      .kind = Kind::kRate,
      .scope = scope,
      .window = full->window,
      .max = full->window == domain::Window::kHour ? limits.per_hour : limits.per_day,
      .retry_after_seconds = seconds_until(full->next, now)};
}

std::optional<LimitRefusal> Ledger::check(AgentId agent, std::uint8_t scope, Millis now) {
  const auto found = accounts_.find(agent);
  if (found == accounts_.end() || !found->second.is_ready()) return std::nullopt;
  return check(found->second, scope, now);
}

Ledger::Ruling Ledger::judge(AgentId agent, Key key, const Charge& charge, Millis now) {
  const auto found = accounts_.find(agent);
  if (found == accounts_.end() || !found->second.is_ready()) {
    return {.verdict = Verdict::kBusy,
            .refusal = {.kind = Kind::kNotReady, .retry_after_seconds = kSoon}};
  }
  auto& account = found->second;
  if (auto full = check(account, charge.scope, now)) return {.refusal = *full};
  Ruling ruling{.verdict = Verdict::kAdmitted, .admission = {.scope = charge.scope, .at = now}};
  if (charge.wanted > 0) {
    const auto cap = account.limits->daily_spend;
    const auto answer = account.spend.reserve(key, now, charge.least, charge.wanted, cap);
    const bool busy = answer.verdict == domain::SpendBook::Verdict::kBusy;
    if (answer.verdict != domain::SpendBook::Verdict::kGranted) {
      const auto midnight = seconds_until(domain::next_midnight(now), now);
      return {.verdict = busy ? Verdict::kBusy : Verdict::kRefused,
              .refusal = {.kind = Kind::kSpend,
                          .retry_after_seconds = busy ? std::min(kBusyFor, midnight) : midnight,
                          .cap = cap,
                          .spent = account.spend.settled(domain::day_of(now))}};
    }
    ruling.admission.amount = answer.granted;
  }
  if (charge.scope < account.uses.size()) {
    account.uses[charge.scope].admit(now, account.limits->windows[charge.scope]);
  }
  return ruling;
}

void Ledger::take_back(AgentId agent, Key key, const Admission& admission) {
  const auto found = accounts_.find(agent);
  if (found == accounts_.end()) return;
  found->second.spend.take_back(key);
  if (admission.scope < found->second.uses.size()) {
    found->second.uses[admission.scope].take_back(admission.at);
  }
}

void Ledger::lower(AgentId agent, Key key, MicroDollars reserved) {
  const auto found = accounts_.find(agent);
  if (found != accounts_.end()) found->second.spend.lower(key, reserved);
}

std::optional<domain::SpendBook::Open> Ledger::find(AgentId agent, Key key) const {
  const auto found = accounts_.find(agent);
  return found == accounts_.end() ? std::nullopt : found->second.spend.find(key);
}

void Ledger::settle(AgentId agent, Key key, std::optional<MicroDollars> spent) {
  const auto found = accounts_.find(agent);
  if (found != accounts_.end()) found->second.spend.settle(key, spent);
}

}  // namespace deployclaw::egress
