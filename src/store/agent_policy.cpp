#include "store/agent_policy.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace deployclaw::store {
namespace {

namespace json = boost::json;

#define DEPLOYCLAW_POLICY_SELECT                                                            \
  "SELECT a.client_id, a.name, c.plan, c.status = 'active', a.permissions, "                \
  "coalesce((SELECT jsonb_agg(jsonb_build_object('name', k.name, 'kind', k.kind, 'hosts', " \
  "  to_jsonb(k.hosts), 'placeholder', k.placeholder) ORDER BY k.name) "                    \
  "  FROM agent_credentials k WHERE k.agent_id = a.id), '[]') "                             \
  "FROM agents a JOIN clients c ON c.id = a.client_id "

constexpr db::Statement kFindAgentPolicy{"find_agent_policy",
                                         DEPLOYCLAW_POLICY_SELECT "WHERE a.id = $1"};
constexpr db::Statement kFindAnyAgentPolicy{
    "find_any_agent_policy",
    DEPLOYCLAW_POLICY_SELECT "WHERE a.id::text = $1 OR lower(a.name) = lower($1) LIMIT 2"};

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

PolicyCredential read_credential(const json::value& value) {
  PolicyCredential out;
  const auto& object = value.as_object();
  out.name = text_of(object, "name");
  out.kind = text_of(object, "kind");
  out.placeholder = text_of(object, "placeholder");
  if (const auto* hosts = object.at("hosts").if_array()) {
    for (const auto& host : *hosts) out.hosts.emplace_back(host.as_string());
  }
  return out;
}

AgentPolicyParts read_parts(const db::Row& row) {
  AgentPolicyParts parts;
  parts.client = row.id<ClientTag>(0);
  parts.agent_name = row.string(1);
  parts.plan = row.string(2);
  parts.client_active = row.boolean(3);
  parts.permissions = row.json(4);
  const auto credentials = row.json(5);
  for (const auto& one : credentials.as_array()) parts.credentials.push_back(read_credential(one));
  return parts;
}

}  // namespace

Task<Result<std::optional<AgentPolicyParts>>> find_agent_policy(db::Database& db, ClientId client,
                                                                AgentId agent) {
  auto params = db::Params::of(agent);
  const auto rows = co_await db.query(client, kFindAgentPolicy, std::move(params));
  if (!rows) co_return context("find an agent's policy", rows.error());
  if (rows->empty()) co_return std::nullopt;
  co_return read_parts(rows->front());
}

Task<Result<std::optional<AgentPolicyParts>>> find_any_agent_policy(db::Database& db,
                                                                    std::string id_or_name) {
  auto params = db::Params::of(id_or_name);
  const auto rows = co_await db.query(kFindAnyAgentPolicy, std::move(params));
  if (!rows) co_return context("find an agent's policy", rows.error());
  if (rows->empty()) co_return std::nullopt;
  if (rows->size() > 1) co_return fail(Code::kConflict, "more than one agent has that name");
  co_return read_parts(rows->front());
}

}  // namespace deployclaw::store
