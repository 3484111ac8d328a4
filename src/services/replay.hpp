#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "domain/default_limits.hpp"
#include "services/policy.hpp"
#include "services/recorded_request.hpp"

// What a draft of permissions would have done to requests that were really made. Pure.
namespace deployclaw::services {

// Records that are alike: same place, method and rule, and refused by the same layer or let out.
struct RecordedGroup {
  std::int64_t key = 0;     // the caller's
  RecordedRequest request;  // the latest
  std::int64_t count = 0;
  Time last_at;
};

// What changes for one host, rule and scope.
struct ReplayChange {
  std::string host;
  std::string rule;    // that decides under the draft, "" for none
  std::string scope;   // that the rule asks for
  std::string reason;  // why it would be refused; "" when allowed
  std::int64_t count = 0;
  Time last_at;
  std::string example;
};

struct Replay {
  std::int64_t still_allowed = 0;
  std::int64_t still_denied = 0;
  // Refused by what no permission decides: a secret in the wrong place, a limit, a person who did
  // not answer. Not compared.
  std::int64_t refused_otherwise = 0;
  std::vector<ReplayChange> newly_denied;   // most frequent first
  std::vector<ReplayChange> newly_allowed;  // most frequent first
  // By RecordedGroup::key, of the groups whose requests the draft lets through to the rate limits:
  // the scope's place in domain::kScopes.
  std::unordered_map<std::int64_t, std::uint8_t> charged;
};

// Compares what was with what `draft` says.
Replay replay(const AgentPolicy& draft, std::span<const RecordedGroup> groups);

// How a draft's rate limits would have worked, request by request in the order of time.
class LimitReplay {
 public:
  struct Day {
    std::int64_t attempts = 0;
    std::int64_t refused = 0;
  };
  struct Scope {
    std::int64_t attempts = 0;
    std::int64_t refused = 0;
    domain::Millis first_refused_at = 0;  // 0 when none was
    std::map<domain::DayNumber, Day> days;
  };

  explicit LimitReplay(const domain::AgentLimits& limits) : limits_(limits) {}

  // One request under the scope at that place of kScopes.
  void take(std::uint8_t scope, domain::Millis at);
  [[nodiscard]] const std::array<Scope, domain::kScopes.size()>& scopes() const { return scopes_; }

 private:
  domain::AgentLimits limits_;
  std::array<domain::SlidingWindow, domain::kScopes.size()> windows_;
  std::array<Scope, domain::kScopes.size()> scopes_;
};

}  // namespace deployclaw::services
