#pragma once

#include <set>
#include <string_view>

#include "api/events/event_log.hpp"
#include "base/result.hpp"

namespace deployclaw::api::events {

// What a stream is about. `agents` brings every agent's and deployment's changes, `agent:<id>`
// those of one agent (its approvals too), `deployments`, `approvals` and `audit` what they say.
class Topics {
 public:
  static constexpr std::size_t kMost = 50;

  // Reads "agents,agent:<id>,audit". Empty text means everything. kInvalid (pointer
  // "/query/topics") for an unknown topic, an empty one, or more than kMost.
  static Result<Topics> parse(std::string_view text);

  // A resync is everybody's.
  [[nodiscard]] bool want(const Event& event) const;

 private:
  bool agents_ = false;
  bool deployments_ = false;
  bool approvals_ = false;
  bool audit_ = false;
  std::set<AgentId> one_agent_;
};

}  // namespace deployclaw::api::events
