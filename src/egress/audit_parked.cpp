#include <algorithm>

#include "egress/audit_intake_state.hpp"

// Intents that wait in the ledger, in the order in which they came, for other calls of their agent
// to end or to cost less than they might.
namespace deployclaw::egress {

namespace {
constexpr domain::Millis kMostParked = 20'000;
// For what has no price: the past of an agent is being read.
constexpr domain::Millis kMostUnloaded = 10'000;
// For waits that are over, another day, and whatever else nobody tells of.
constexpr std::chrono::milliseconds kLook{250};
}  // namespace

void AuditIntake::State::park(Entry entry) {
  counts.count_waiting();
  auto& queue = parked[entry.record.agent];
  const auto most = entry.charge.wanted > 0 ? kMostParked : kMostUnloaded;
  queue.push_back({.entry = std::move(entry), .until = ledger_now() + most});
  look_later();
}

void AuditIntake::State::look_at_parked(AgentId agent) {
  if (!parked.contains(agent)) return;
  freed.insert(agent);
  commit_later();
}

bool AuditIntake::State::forget_parked(const IntakeSource& source, std::uint64_t id,
                                       AgentId agent) {
  const auto found = parked.find(agent);
  if (found == parked.end()) return false;
  const auto count = std::erase_if(found->second, [&](const Parked& one) {
    return one.entry.asking.get() == &source && one.entry.record.id == id;
  });
  if (found->second.empty()) parked.erase(found);
  return count > 0;
}

void AuditIntake::State::forget_parked_of(IntakeSource& source) {
  for (auto& [agent, queue] : parked) {
    std::erase_if(queue, [&](const Parked& one) {
      if (one.entry.asking.get() != &source) return false;
      close_intent(source, one.entry.record.id, agent);
      return true;
    });
  }
  std::erase_if(parked, [](const auto& entry) { return entry.second.empty(); });
}

void AuditIntake::State::look_later() {
  if (std::exchange(look_pending, true)) return;
  parked_look.expires_after(kLook);
  parked_look.async_wait([this](boost::system::error_code error) {
    look_pending = false;
    if (error || parked.empty()) return;
    for (const auto& [agent, queue] : parked) freed.insert(agent);
    commit(false);
    if (!parked.empty()) look_later();
  });
}

}  // namespace deployclaw::egress
