#include "store/egress.hpp"

#include <map>

namespace deployclaw::store {

namespace {
constexpr std::chrono::milliseconds kAppendDeadline{20'000};
}

constexpr db::Statement kListAgents{
    "egress_list_agents",
    "SELECT a.client_id, c.status = 'active', c.vault_salt, a.id, coalesce(host(o.address), ''),"
    "  a.permissions, coalesce(ca.certificate, ''), ca.encrypted, c.plan "
    "FROM agents a JOIN clients c ON c.id = a.client_id "
    "LEFT JOIN agent_observations o ON o.agent_id = a.id "
    "LEFT JOIN client_authorities ca ON ca.client_id = a.client_id "
    "WHERE a.host = $1 ORDER BY a.client_id, a.id"};

constexpr db::Statement kListCredentials{
    "egress_list_credentials",
    "SELECT k.agent_id, k.name, k.kind, k.hosts, k.placeholder, k.encrypted, k.oauth, "
    "  k.expires_at "
    "FROM agent_credentials k JOIN agents a ON a.id = k.agent_id "
    "WHERE a.host = $1 ORDER BY k.agent_id, k.name"};

namespace {

boost::json::object object_of(const db::Row& row, int column) {
  auto value = row.maybe_json(column);
  return value && value->is_object() ? std::move(value->get_object()) : boost::json::object();
}

EgressClient read_client(const db::Row& row) {
  EgressClient client;
  client.id = row.id<ClientTag>(0);
  client.active = row.boolean(1);
  client.salt = row.bytes(2);
  client.certificate = row.string(6);
  client.sealed_key = object_of(row, 7);
  client.plan = row.string(8);
  return client;
}

}  // namespace

Task<Result<std::vector<EgressClient>>> list_egress_clients(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto agents = co_await db.query(kListAgents, params);
  if (!agents) co_return context("list agents", agents.error());
  const auto credentials = co_await db.query(kListCredentials, std::move(params));
  if (!credentials) co_return context("list credentials", credentials.error());

  std::map<AgentId, std::vector<EgressCredential>> by_agent;
  for (const auto& row : *credentials) {
    by_agent[row.id<AgentTag>(0)].push_back({.name = row.string(1),
                                             .kind = row.string(2),
                                             .hosts = row.texts(3),
                                             .placeholder = row.string(4),
                                             .sealed = object_of(row, 5),
                                             .sealed_grant = object_of(row, 6),
                                             .expires_at = row.maybe_time(7)});
  }
  std::vector<EgressClient> clients;
  for (const auto& row : *agents) {
    if (clients.empty() || clients.back().id != row.id<ClientTag>(0)) {
      clients.push_back(read_client(row));
    }
    EgressAgent agent;
    agent.id = row.id<AgentTag>(3);
    agent.address = row.string(4);
    agent.permissions = row.json(5);
    if (auto found = by_agent.find(agent.id); found != by_agent.end()) {
      agent.credentials = std::move(found->second);
    }
    clients.back().agents.push_back(std::move(agent));
  }
  co_return clients;
}

constexpr db::Statement kTouchCredential{
    "egress_touch_credential",
    "UPDATE agent_credentials SET last_used_at = now() WHERE agent_id = $1 AND name = $2"};

Task<Status> touch_credential(db::Database& db, AgentId agent, std::string name) {
  auto params = db::Params::of(agent, name);
  const auto rows = co_await db.query(kTouchCredential, std::move(params));
  if (!rows) co_return context("touch credential", rows.error());
  co_return Status{};
}

constexpr db::Statement kKeepGrant{"egress_keep_grant",
                                   "SELECT renewal.keep_grant($1, $2, $3, $4, $5)"};

Task<Result<bool>> keep_grant(db::Database& db, AgentId agent, std::string name,
                              boost::json::object present, boost::json::object renewed,
                              Time expires_at) {
  auto params = db::Params::of(agent, name, boost::json::value(std::move(present)),
                               boost::json::value(std::move(renewed)), expires_at);
  const auto rows = co_await db.query(kKeepGrant, std::move(params));
  if (!rows) co_return context("keep a renewed grant", rows.error());
  co_return rows->front().boolean(0);
}

constexpr db::Statement kSpoolPosition{"egress_spool_position",
                                       "SELECT position FROM egress_spools WHERE host = $1"};

Task<Result<std::uint64_t>> spool_position(db::Database& db, std::string host) {
  auto params = db::Params::of(host);
  const auto rows = co_await db.query(kSpoolPosition, std::move(params));
  if (!rows) co_return context("read spool position", rows.error());
  if (rows->empty()) co_return std::uint64_t{0};
  co_return static_cast<std::uint64_t>(rows->front().int64(0));
}

constexpr db::Statement kAppendSpooled{
    "egress_append_spooled",
    "SELECT audit.append_egress($1, $2, $3, $4::uuid[], $5::uuid[], $6::text[], $7::text[], "
    "$8)"};

Task<Result<std::uint64_t>> append_spooled(db::Database& db, std::string host, std::uint64_t from,
                                           std::uint64_t to, std::vector<SpooledEvent> events,
                                           boost::json::object charges) {
  std::vector<ClientId> clients;
  std::vector<AgentId> agents;
  std::vector<std::string> intents;
  std::vector<std::string> outcomes;
  clients.reserve(events.size());
  agents.reserve(events.size());
  intents.reserve(events.size());
  outcomes.reserve(events.size());
  for (auto& event : events) {
    clients.push_back(event.client);
    agents.push_back(event.agent);
    intents.push_back(std::move(event.intent));
    outcomes.push_back(std::move(event.outcome));
  }
  auto params = db::Params::of(host, from, to, db::BinaryIds<ClientTag>{clients},
                               db::BinaryIds<AgentTag>{agents}, db::BinaryTexts{intents},
                               db::BinaryTexts{outcomes}, boost::json::value(std::move(charges)));
  const auto rows = co_await db.query(kAppendSpooled, std::move(params), kAppendDeadline);
  if (!rows) co_return context("append spooled records", rows.error());
  co_return static_cast<std::uint64_t>(rows->front().int64(0));
}

}  // namespace deployclaw::store
