#include "services/replay.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace deployclaw::services {
namespace {

// The layers that permissions decide. What others refused was let through by the policy.
bool decided_by_policy(std::string_view layer) {
  constexpr std::string_view kLayers[] = {"client", "domain", "service", "scope", "port", "dns"};
  return std::ranges::find(kLayers, layer) != std::end(kLayers);
}

using Changes = std::map<std::string, ReplayChange>;

void note(Changes& changes, const RecordedGroup& group, const RecordedVerdict& verdict) {
  auto& change = changes[group.request.host + "\n" + verdict.rule + "\n" + verdict.scope];
  change.host = group.request.host;
  change.rule = verdict.rule;
  change.scope = verdict.scope;
  change.count += group.count;
  if (change.example.empty() || group.last_at > change.last_at) {
    change.last_at = group.last_at;
    change.reason = verdict.reason;
    change.example = describe(group.request);
  }
}

std::vector<ReplayChange> sorted(Changes changes) {
  std::vector<ReplayChange> out;
  for (auto& [key, change] : changes) out.push_back(std::move(change));
  std::ranges::sort(out, [](const ReplayChange& a, const ReplayChange& b) {
    return std::tie(b.count, b.last_at, a.example) < std::tie(a.count, a.last_at, b.example);
  });
  return out;
}

}  // namespace

Replay replay(const AgentPolicy& draft, std::span<const RecordedGroup> groups) {
  Replay out;
  Changes denied;
  Changes allowed;
  for (const auto& group : groups) {
    const auto& request = group.request;
    const auto verdict = judge(draft, request);
    const bool otherwise = request.denied && !decided_by_policy(request.layer);
    if (verdict.allowed && (!otherwise || request.layer == "rate")) {
      if (const auto scope = domain::scope_index(verdict.scope)) {
        out.charged.emplace(group.key, *scope);
      }
    }
    if (otherwise) {
      out.refused_otherwise += group.count;
    } else if (request.denied) {
      if (verdict.allowed) {
        note(allowed, group, verdict);
      } else {
        out.still_denied += group.count;
      }
    } else if (verdict.allowed) {
      out.still_allowed += group.count;
    } else {
      note(denied, group, verdict);
    }
  }
  out.newly_denied = sorted(std::move(denied));
  out.newly_allowed = sorted(std::move(allowed));
  return out;
}

void LimitReplay::take(std::uint8_t scope, domain::Millis at) {
  auto& tally = scopes_[scope];
  auto& day = tally.days[domain::day_of(at)];
  ++tally.attempts;
  ++day.attempts;
  if (!windows_[scope].admit(at, limits_.windows[scope])) return;
  if (tally.refused++ == 0) tally.first_refused_at = at;
  ++day.refused;
}

}  // namespace deployclaw::services
