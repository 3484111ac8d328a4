#include "api/events/event_log.hpp"

#include <array>

namespace deployclaw::api::events {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kAgentChanged:
      return "agent.changed";
    case Kind::kDeploymentChanged:
      return "deployment.changed";
    case Kind::kApprovalChanged:
      return "approval.changed";
    case Kind::kAuditAppended:
      return "audit.appended";
    case Kind::kResync:
      return "resync";
  }
  return "resync";
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (const Kind kind : {Kind::kAgentChanged, Kind::kDeploymentChanged, Kind::kApprovalChanged,
                          Kind::kAuditAppended, Kind::kResync}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

void EventLog::add(Event event) {
  const std::pair thing{event.kind, event.id};
  if (const auto known = by_thing_.find(thing); known != by_thing_.end()) {
    events_.erase(known->second);
    by_thing_.erase(known);
  }
  events_.push_back(std::move(event));
  by_thing_.emplace(thing, std::prev(events_.end()));
  while (events_.size() > most_) {
    floor_ = events_.front().seq;
    by_thing_.erase({events_.front().kind, events_.front().id});
    events_.pop_front();
  }
}

EventLog::Since EventLog::since(std::uint64_t seq) const {
  Since out;
  out.missed = seq < floor_;
  auto at = events_.end();
  while (at != events_.begin() && std::prev(at)->seq > seq) --at;
  out.events.assign(at, events_.end());
  return out;
}

}  // namespace deployclaw::api::events
