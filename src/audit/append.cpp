#include "audit/append.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iterator>
#include <map>
#include <utility>

namespace deployclaw::audit {

namespace {

constexpr db::Statement kAppend{"audit_append", "select audit.append($1::jsonb)"};

void put(boost::json::object& to, std::string_view key, std::string_view text) {
  if (!text.empty()) to[key] = boost::json::string_view(text);
}

boost::json::value to_json(Event&& event) {
  boost::json::object out;
  put(out, "clientId", event.client.to_string());
  if (event.agent) put(out, "agentId", event.agent->to_string());
  put(out, "actorType", event.actor_type);
  put(out, "actorId", event.actor_id);
  put(out, "actionType", event.action_type);
  put(out, "target", event.target);
  put(out, "outcome", event.outcome);
  put(out, "ip", event.ip);
  out["metadata"] = std::move(event.metadata);
  return out;
}

db::Params to_params(std::vector<Event> events) {
  boost::json::array out;
  out.reserve(events.size());
  for (auto& event : events) out.push_back(to_json(std::move(event)));
  return db::Params::of(boost::json::value(std::move(out)));
}

// The events by client, each client's in their order. All callers lock the chains in the order of
// the ids, so that no two of them wait for each other.
std::map<ClientId, std::vector<Event>> by_client(std::vector<Event> events) {
  std::map<ClientId, std::vector<Event>> out;
  for (auto& event : events) out[event.client].push_back(std::move(event));
  return out;
}

}  // namespace

Task<Status> append(db::Transaction& transaction, std::vector<Event> events) {
  if (events.empty()) co_return Status();
  auto groups = by_client(std::move(events));
  std::vector<Event> ordered;
  for (auto& [client, group] : groups) std::ranges::move(group, std::back_inserter(ordered));
  auto params = to_params(std::move(ordered));
  const auto done = co_await transaction.query(kAppend, std::move(params));
  if (!done) co_return context("append to the audit log", done.error());
  co_return Status();
}

Task<Status> append(db::Transaction& transaction, Event event) {
  std::vector<Event> events;
  events.push_back(std::move(event));
  return append(transaction, std::move(events));
}

Task<Status> append(db::Database& database, std::vector<Event> events) {
  auto groups = by_client(std::move(events));
  for (auto& [client, group] : groups) {
    auto params = to_params(std::move(group));
    const auto done = co_await database.query(client, kAppend, std::move(params));
    if (!done) co_return context("append to the audit log", done.error());
  }
  co_return Status();
}

}  // namespace deployclaw::audit
