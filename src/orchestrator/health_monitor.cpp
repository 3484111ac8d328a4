#include "orchestrator/health_monitor.hpp"

#include <boost/json/object.hpp>
#include <utility>

namespace deployclaw::orchestrator {
namespace json = boost::json;

HealthMonitor::HealthMonitor(boost::asio::any_io_executor executor, Prober& prober,
                             const Config& config, std::function<void()> changed)
    : prober_(prober), config_(config), changed_(std::move(changed)), tasks_(std::move(executor)) {}

void HealthMonitor::watch(std::vector<Watched> wanted) {
  std::map<AgentId, std::shared_ptr<Entry>> next;
  for (auto& watched : wanted) {
    auto found = entries_.find(watched.agent);
    const AgentId agent = watched.agent;
    if (found != entries_.end() && found->second->watched.container == watched.container &&
        found->second->watched.started_at == watched.started_at &&
        found->second->watched.address == watched.address) {
      found->second->watched.settled = watched.settled;
      next.emplace(agent, std::move(found->second));
      entries_.erase(found);
      continue;
    }
    auto entry = std::make_shared<Entry>(Entry{.watched = std::move(watched)});
    next.emplace(agent, entry);
    tasks_.spawn("probe", run(entry));
  }
  for (auto& [agent, entry] : entries_) entry->dropped = true;
  entries_ = std::move(next);
}

Task<void> HealthMonitor::run(std::shared_ptr<Entry> entry) {
  while (!entry->dropped) {
    auto round = co_await prober_.probe(entry->watched.probe, entry->watched.address);
    if (entry->dropped) co_return;
    take(*entry, std::move(round));
    const auto& state = entry->state;
    // A start is followed closely: how soon it is seen to be ready is how soon it is ready.
    auto pause = config_.probe_fast;
    if (!state.ever_ready) pause = config_.probe_eager;
    if (state.ever_ready && entry->watched.settled) pause = config_.probe_slow;
    const bool slept = co_await sleep_for(pause);
    if (!slept) co_return;
  }
}

void HealthMonitor::take(Entry& entry, std::vector<CheckResult> round) {
  if (round.empty()) return;
  auto& state = entry.state;
  const auto before = state;
  const CheckResult& live = round.front();
  const CheckResult& ready = round.back();
  state.good_in_row = ready.ok ? state.good_in_row + 1 : 0;
  state.bad_in_row = live.ok ? 0 : state.bad_in_row + 1;
  state.ever_ready = state.ever_ready || ready.ok;
  state.last = live.ok ? ready.detail : live.detail;
  const int needed = config_.rules.verdict.good_probes;
  const bool matters = state.ever_ready != before.ever_ready || state.good_in_row == needed ||
                       (state.bad_in_row > 0) != (before.bad_in_row > 0) ||
                       state.bad_in_row == config_.rules.bad_probes ||
                       (ready.ok != (before.good_in_row > 0));
  entry.last = std::move(round);
  if (matters) changed_();
}

domain::ProbeState HealthMonitor::state_of(AgentId agent, const std::string& container,
                                           const std::optional<Time>& started_at) const {
  const auto found = entries_.find(agent);
  if (found == entries_.end() || found->second->watched.container != container ||
      found->second->watched.started_at != started_at) {
    return {};
  }
  return found->second->state;
}

json::array HealthMonitor::checks_of(AgentId agent) const {
  json::array out;
  const auto found = entries_.find(agent);
  if (found == entries_.end()) return out;
  for (const auto& check : found->second->last) {
    out.push_back(json::object{{"name", check.name},
                               {"status", check.ok ? "pass" : "fail"},
                               {"detail", check.detail},
                               {"at", format_time(check.at)}});
  }
  return out;
}

Task<void> HealthMonitor::stop() {
  for (auto& [agent, entry] : entries_) entry->dropped = true;
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace deployclaw::orchestrator
