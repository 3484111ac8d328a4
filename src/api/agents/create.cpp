#include <fmt/format.h>

#include "api/agents/agents.hpp"
#include "api/agents/request.hpp"
#include "api/agents/sealing.hpp"
#include "api/agents/view.hpp"
#include "api/credentials/sealing.hpp"
#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"
#include "audit/append.hpp"
#include "db/error.hpp"
#include "domain/plan_limits.hpp"
#include "http/json_body.hpp"
#include "store/agents.hpp"
#include "store/credentials.hpp"
#include "store/deployments_api.hpp"
#include "store/users.hpp"

namespace deployclaw::api::agents {
namespace {

// Everything that goes into the transaction, secrets already sealed.
struct Prepared {
  store::NewAgent agent;
  std::vector<store::NewCredential> credentials;
};

Task<Result<Prepared>> prepare(Services& services, Principal principal, CreateRequest request) {
  auto salt = co_await store::find_client_salt(services.db, principal.client);
  if (!salt) co_return fail(std::move(salt.error()));
  const auto id = AgentId::random();
  auto config =
      co_await seal_config(services, principal.client, *salt, id, std::move(request.config));
  if (!config) co_return fail(std::move(config.error()));
  Prepared prepared{.agent = {.id = id,
                              .client = principal.client,
                              .name = request.name,
                              .runtime = request.runtime->name,
                              .runtime_version = request.runtime->version,
                              .desired_state = request.desired_state,
                              .config = std::move(*config),
                              .permissions = std::move(request.permissions),
                              .resources = std::move(request.resources),
                              .created_by = principal.user},
                    .credentials = {}};
  for (auto& credential : request.credentials) {
    auto sealed = co_await credentials::seal_credential(services, principal.client, *salt, id,
                                                        std::move(credential));
    if (!sealed) co_return fail(std::move(sealed.error()));
    prepared.credentials.push_back(std::move(*sealed));
  }
  co_return prepared;
}

Status within_plan(const store::ClientUsage& usage) {
  const auto limits = domain::plan_limits(usage.plan);
  if (usage.agents < limits.agents) return {};
  return fail(
      Code::kForbidden, "plan_limit_reached",
      fmt::format("Your plan allows {} agents. Delete one or change the plan.", limits.agents));
}

// The transaction: limit, agent, credentials, deployment, audit, all or nothing.
Task<Result<http::Response>> store_agent(Services& services, Principal principal,
                                         Prepared prepared) {
  const auto id = prepared.agent.id;
  const auto name = prepared.agent.name;
  const bool runs = prepared.agent.desired_state == "running";
  std::vector<audit::Event> events;
  events.push_back(audit_event(principal, "agent_created", name));
  events.back().agent = id;
  events.back().metadata = {{"runtime", prepared.agent.runtime},
                            {"runtimeVersion", prepared.agent.runtime_version},
                            {"desiredState", prepared.agent.desired_state},
                            {"permissions", prepared.agent.permissions},
                            {"resources", prepared.agent.resources}};

  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto usage = co_await store::lock_client_usage(*tx, principal.client);
  if (!usage) co_return fail(usage.error());
  if (auto good = within_plan(*usage); !good) co_return fail(std::move(good.error()));

  auto inserted = co_await store::insert_agent(*tx, std::move(prepared.agent));
  if (!inserted && db::constraint_of(inserted.error()) == "agents_name") {
    co_return fail(Code::kConflict, "name_taken",
                   "You have an agent of that name, or one that is still being deleted.");
  }
  if (!inserted) co_return fail(std::move(inserted.error()));
  for (auto& credential : prepared.credentials) {
    auto event = credentials::credential_event(principal, "credential_created", credential);
    events.push_back(std::move(event));
    auto added = co_await store::insert_credential(*tx, std::move(credential));
    if (!added) co_return fail(std::move(added.error()));
  }
  if (runs) {
    auto queued = co_await store::queue_deployment(*tx, id, "create", principal.user);
    if (!queued) co_return fail(std::move(queued.error()));
  }
  auto response = co_await agent_response(*tx, id, 202);
  if (!response) co_return fail(std::move(response.error()));
  response->headers.add("Location", "/api/agents/" + id.to_string());
  auto kept = co_await record_answer(*tx, principal, *response);
  if (!kept) co_return fail(std::move(kept.error()));
  auto recorded = co_await audit::append(*tx, std::move(events));
  if (!recorded) co_return fail(std::move(recorded.error()));
  auto committed = co_await tx->commit();
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

}  // namespace

Task<Result<http::Response>> create(Services& services, Principal principal,
                                    http::Request request) {
  auto body = http::json_object_body(request);
  wipe_string(request.body);
  if (!body) co_return fail(std::move(body.error()));
  auto wanted =
      read_create(services.runtimes, services.service_catalogue, services.config, std::move(*body));
  if (!wanted) co_return fail(std::move(wanted.error()));
  if (!wanted->credentials.empty() && principal.role < Role::kAdmin) {
    co_return fail(Code::kForbidden, "role_insufficient",
                   "Only an admin or owner may add credentials.");
  }
  auto prepared = co_await prepare(services, principal, std::move(*wanted));
  if (!prepared) co_return fail(std::move(prepared.error()));
  auto response = co_await store_agent(services, std::move(principal), std::move(*prepared));
  co_return response;
}

}  // namespace deployclaw::api::agents
