#include "api/agents/carry_out.hpp"

#include <algorithm>

#include "api/agents/lifecycle.hpp"
#include "api/agents/sealing.hpp"
#include "api/agents/view.hpp"
#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"
#include "db/error.hpp"
#include "domain/permissions_diff.hpp"
#include "domain/state_access.hpp"
#include "store/users.hpp"

namespace deployclaw::api::agents {
namespace {

namespace json = boost::json;

// What a change came to. Permissions are enforced on the agent's way out, not in its container, so
// they take effect without a new one, but for what the agent sees of its own volume.
struct Changed {
  json::array fields;             // for the audit record
  json::object permissions_diff;  // for the audit record; empty when they are the same
  bool needs_container = false;
};

template <class T>
void apply(T& present, std::optional<T> wanted, const char* field, bool needs_container,
           Changed& changed) {
  if (!wanted || *wanted == present) return;
  present = std::move(*wanted);
  changed.fields.emplace_back(field);
  changed.needs_container = changed.needs_container || needs_container;
}

// Stored ones that today's rules refuse count as far as they can be read.
domain::Permissions read_stored(const json::object& stored) {
  std::vector<FieldError> ignored;
  const json::value value(stored);
  return domain::read_permissions(value, "", ignored);
}

Task<Result<json::object>> seal_new_secrets(Services& services, ClientId client, AgentId agent,
                                            CheckedConfig checked) {
  if (checked.secrets.empty()) co_return std::move(checked.config);
  auto salt = co_await store::find_client_salt(services.db, client);
  if (!salt) co_return fail(std::move(salt.error()));
  auto sealed = co_await seal_config(services, client, std::move(*salt), agent, std::move(checked));
  co_return sealed;
}

Task<Result<Changed>> apply_change(Services& services, ClientId client, store::LockedAgent& agent,
                                   ChangeRequest wanted) {
  std::optional<json::object> config;
  if (wanted.config) {
    auto sealed = co_await seal_new_secrets(services, client, agent.id, std::move(*wanted.config));
    if (!sealed) co_return fail(std::move(sealed.error()));
    config = std::move(*sealed);
  }
  Changed changed;
  bool alters_mount = false;
  if (wanted.permissions) {
    alters_mount = domain::state_access(read_stored(agent.permissions)) !=
                   domain::state_access(read_stored(*wanted.permissions));
    changed.permissions_diff =
        domain::diff(read_stored(agent.permissions), read_stored(*wanted.permissions));
  }
  apply(agent.name, std::move(wanted.name), "name", false, changed);
  apply(agent.runtime_version, std::move(wanted.runtime_version), "runtimeVersion", true, changed);
  apply(agent.config, std::move(config), "config", true, changed);
  apply(agent.permissions, std::move(wanted.permissions), "permissions", alters_mount, changed);
  apply(agent.resources, std::move(wanted.resources), "resources", true, changed);
  co_return changed;
}

audit::Event event_of(const Principal& principal, const store::LockedAgent& agent, Changed changed,
                      json::object more) {
  auto event = audit_event(principal, "agent_updated", agent.name);
  event.agent = agent.id;
  event.metadata = std::move(more);
  if (std::ranges::find(changed.fields, json::value("permissions")) != changed.fields.end()) {
    event.metadata["permissions"] = agent.permissions;
    event.metadata["diff"] = std::move(changed.permissions_diff);
  }
  event.metadata["changed"] = std::move(changed.fields);
  event.metadata["generation"] = agent.generation;
  return event;
}

Task<Status> store_change(db::Transaction& tx, store::LockedAgent agent) {
  auto stored = co_await store::update_agent(tx, std::move(agent));
  if (!stored && db::constraint_of(stored.error()) == "agents_name") {
    co_return fail(Code::kConflict, "name_taken", "You have an agent of that name.");
  }
  co_return stored;
}

}  // namespace

Task<Result<http::Response>> carry_out(Services& services, Principal principal, db::Transaction& tx,
                                       store::LockedAgent agent, ChangeRequest wanted,
                                       json::object more) {
  const auto id = agent.id;
  auto changed = co_await apply_change(services, principal.client, agent, std::move(wanted));
  if (!changed) co_return fail(std::move(changed.error()));
  if (changed->fields.empty()) {
    auto unchanged = co_await agent_response(tx, id, 202);
    co_return unchanged;
  }

  if (changed->needs_container) ++agent.generation;
  const bool redeploy = changed->needs_container && agent.desired_state == "running";
  auto event = event_of(principal, agent, std::move(*changed), std::move(more));
  auto stored = co_await store_change(tx, std::move(agent));
  if (!stored) co_return fail(std::move(stored.error()));
  if (redeploy) {
    auto queued = co_await redeploy_agent(tx, id, "update", principal.user);
    if (!queued) co_return fail(std::move(queued.error()));
  }
  auto response = co_await agent_response(tx, id, 202);
  if (!response) co_return fail(std::move(response.error()));
  auto kept = co_await record_answer(tx, principal, *response);
  if (!kept) co_return fail(std::move(kept.error()));
  auto committed = co_await record_and_commit(tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

}  // namespace deployclaw::api::agents
