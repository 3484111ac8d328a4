#include "egress/uses_loader.hpp"

#include <algorithm>
#include <utility>

#include "egress/spooled_charges.hpp"
#include "store/egress_uses.hpp"

namespace deployclaw::egress {

namespace {

constexpr std::size_t kAtOnce = 50;
constexpr std::size_t kStretchBytes = 1024UL * 1024;

std::int64_t millis(Time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

PastUses past_of(const store::StoredCharges& stored) {
  PastUses past;
  for (const auto& uses : stored.uses) {
    for (const auto at : uses.at) past.add_use(uses.scope, at);
  }
  for (const auto& [day, spent] : stored.settled) past.add_settled(day, spent);
  for (const auto& open : stored.open)
    past.add_open({open.worker, open.intent}, open.day, open.amount);
  return past;
}

}  // namespace

bool UsesLoader::want(const std::vector<AgentId>& agents) {
  bool fresh = false;
  for (const auto& agent : agents) {
    if (!loaded_.contains(agent)) fresh = wanted_.insert(agent).second || fresh;
  }
  return fresh;
}

void UsesLoader::forget_all() {
  wanted_.merge(std::exchange(loaded_, {}));
  intake_.forget_uses();
}

void UsesLoader::forget_others(const std::set<AgentId>& kept) {
  const auto gone = [&](AgentId agent) { return !kept.contains(agent); };
  std::erase_if(wanted_, gone);
  std::erase_if(loaded_, gone);
  intake_.forget_others(kept);
}

Task<Status> UsesLoader::load(std::uint64_t position) {
  if (wanted_.empty()) co_return Status{};
  const auto spooled = read_spool(position);
  if (!spooled) co_return fail(spooled.error());
  while (!wanted_.empty()) {
    std::vector<AgentId> some;
    for (const auto& agent : wanted_) {
      if (some.size() == kAtOnce) break;
      some.push_back(agent);
    }
    auto loaded = co_await load_some(std::move(some), *spooled);
    if (!loaded) co_return loaded;
  }
  co_return Status{};
}

// What has a charge, of those that are wanted.
Result<std::map<AgentId, std::vector<SpoolRecord>>> UsesLoader::read_spool(std::uint64_t position) {
  std::map<AgentId, std::vector<SpoolRecord>> out;
  while (true) {
    auto stretch = intake_.spool().read(position, kStretchBytes);
    if (!stretch) return fail(stretch.error());
    if (stretch->end == position) return out;
    position = stretch->end;
    for (auto& record : stretch->records) {
      if (!is_charged(record) || !wanted_.contains(record.agent)) continue;
      record.json = {};
      out[record.agent].push_back(std::move(record));
    }
  }
}

Task<Status> UsesLoader::load_some(std::vector<AgentId> agents,
                                   const std::map<AgentId, std::vector<SpoolRecord>>& spooled) {
  constexpr std::int64_t kEnough = domain::kDay + domain::kHour;
  const auto since = millis(clock_.now()) - kEnough;
  const auto stored = co_await store::list_charges(db_, std::move(agents), since);
  if (!stored) co_return fail(stored.error());
  for (const auto& one : *stored) {
    auto past = past_of(one);
    if (const auto found = spooled.find(one.agent); found != spooled.end()) {
      for (const auto& record : found->second) past.add(record);
    }
    intake_.load_uses(one.agent, std::move(past).take());
    wanted_.erase(one.agent);
    loaded_.insert(one.agent);
  }
  co_return Status{};
}

}  // namespace deployclaw::egress
