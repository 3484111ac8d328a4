#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace deployclaw::api::events {

enum class Kind : std::uint8_t {
  kAgentChanged,
  kDeploymentChanged,
  kApprovalChanged,
  kAuditAppended,
  kResync,  // something may have been missed: fetch everything that is shown
};
// "agent.changed" and so on, as in the stream.
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

// Something of one client changed. It names what to fetch again and holds nothing of it.
struct Event {
  std::uint64_t seq = 0;
  Kind kind = Kind::kResync;
  std::string id = {};  // the agent, deployment or approval; empty for the other kinds
  std::optional<AgentId> agent = {};
  std::uint64_t number = 0;  // kAuditAppended: the client's newest seq
};

// What changed for one client, newest last, each thing once: a later change of a thing takes the
// place of the earlier one, because whoever missed both fetches it once. So a noisy agent does not
// push out what happened to others, and what follows any point in time is complete until `most`
// different things have changed behind it.
class EventLog {
 public:
  // What happened up to and with `floor` is not known.
  EventLog(std::uint64_t floor, std::size_t most) : floor_(floor), most_(most) {}

  // `event.seq` is above every earlier one.
  void add(Event event);

  struct Since {
    std::vector<Event> events;  // oldest first
    bool missed = false;        // there was more, which is not known any more
  };
  // What came after `seq`.
  [[nodiscard]] Since since(std::uint64_t seq) const;
  [[nodiscard]] std::size_t size() const { return events_.size(); }

 private:
  std::uint64_t floor_;
  std::size_t most_;
  std::list<Event> events_;
  std::map<std::pair<Kind, std::string>, std::list<Event>::iterator> by_thing_;
};

}  // namespace deployclaw::api::events
