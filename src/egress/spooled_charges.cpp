#include "egress/spooled_charges.hpp"

#include <algorithm>
#include <bit>
#include <boost/json/array.hpp>
#include <tuple>

#include "domain/permissions.hpp"
#include "egress/json_text.hpp"

namespace deployclaw::egress {

namespace json = boost::json;

namespace {

constexpr domain::Millis kMinute = 60'000;

Ledger::Key key_of(const SpoolRecord& record) { return {record.worker, record.id}; }

std::int64_t number(std::uint64_t value) { return std::bit_cast<std::int64_t>(value); }

json::object call_of(const SpoolRecord& record) {
  return {{"client", record.client.to_string()},     {"agent", record.agent.to_string()},
          {"worker", number(record.worker)},         {"intent", number(record.id)},
          {"day", domain::day_of(record.charge.at)}, {"amount", number(record.charge.amount)}};
}

// Groups what belongs into one row.
class Charges {
 public:
  void add(const SpoolRecord& record) {
    switch (record.kind) {
      case RecordKind::kIntent:
        if (record.charge.scope < domain::kScopes.size()) add_use(record);
        if (record.charge.amount > 0) opens_[key_of(record)] = call_of(record);
        break;
      case RecordKind::kLower:
        lower(record);
        break;
      case RecordKind::kOutcome:
        opens_.erase(key_of(record));
        settles_.push_back(call_of(record));
        break;
      case RecordKind::kEvent:
      case RecordKind::kOpen:
        break;
    }
  }

  json::object take() && {
    json::object out;
    json::array uses;
    for (auto& [name, at] : uses_) {
      const auto& [client, agent, minute, scope] = name;
      uses.push_back({{"client", client.to_string()},
                      {"agent", agent.to_string()},
                      {"minute", minute},
                      {"scope", json_text(domain::kScopes[scope])},
                      {"at", std::move(at)}});
    }
    json::array opens;
    for (auto& [key, call] : opens_) opens.push_back(std::move(call));
    if (uses.empty() && opens.empty() && lowers_.empty() && settles_.empty()) return out;
    out["uses"] = std::move(uses);
    out["opens"] = std::move(opens);
    out["lowers"] = std::move(lowers_);
    out["settles"] = std::move(settles_);
    return out;
  }

 private:
  void add_use(const SpoolRecord& record) {
    const auto at = record.charge.at;
    uses_[{record.client, record.agent, at / kMinute, record.charge.scope}].push_back(at % kMinute);
  }
  void lower(const SpoolRecord& record) {
    const auto open = opens_.find(key_of(record));
    if (open == opens_.end()) {
      lowers_.push_back({{"worker", number(record.worker)},
                         {"intent", number(record.id)},
                         {"amount", number(record.charge.amount)}});
      return;
    }
    auto& amount = open->second["amount"];
    amount = std::min(amount.as_int64(), number(record.charge.amount));
  }

  std::map<std::tuple<ClientId, AgentId, domain::Millis, std::uint8_t>, json::array> uses_;
  std::map<Ledger::Key, json::object> opens_;
  json::array lowers_;
  json::array settles_;
};

}  // namespace

json::object to_charges(const std::vector<SpoolRecord>& records) {
  Charges charges;
  for (const auto& record : records) {
    if (is_charged(record)) charges.add(record);
  }
  return std::move(charges).take();
}

void PastUses::add_use(std::string_view scope, domain::Millis at) {
  const auto index = domain::scope_index(scope);
  if (index) past_.uses[*index].push_back(at);
}

void PastUses::add_settled(domain::DayNumber day, domain::MicroDollars spent) {
  past_.spent.emplace_back(day, spent);
}

void PastUses::add_open(Ledger::Key key, domain::DayNumber day, domain::MicroDollars reserved) {
  open_.try_emplace(key, domain::SpendBook::Open{.day = day, .reserved = reserved});
}

void PastUses::add(const SpoolRecord& record) {
  if (!is_charged(record)) return;
  const auto& charge = record.charge;
  const auto open = open_.find(key_of(record));
  if (record.kind == RecordKind::kIntent) {
    if (charge.scope < past_.uses.size()) past_.uses[charge.scope].push_back(charge.at);
    if (charge.amount > 0) add_open(key_of(record), domain::day_of(charge.at), charge.amount);
  } else if (record.kind == RecordKind::kLower && open != open_.end()) {
    open->second.reserved = std::min(open->second.reserved, charge.amount);
  } else if (record.kind == RecordKind::kOutcome) {
    if (open != open_.end()) open_.erase(open);
    add_settled(domain::day_of(charge.at), charge.amount);
  }
}

Ledger::Past PastUses::take() && {
  for (const auto& [key, open] : open_) add_settled(open.day, open.reserved);
  return std::move(past_);
}

}  // namespace deployclaw::egress
