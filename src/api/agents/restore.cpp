#include "api/agents/agents.hpp"
#include "api/agents/carry_out.hpp"
#include "api/agents/deployments.hpp"
#include "api/agents/lifecycle.hpp"
#include "api/agents/request.hpp"
#include "api/agents/sealing.hpp"
#include "api/rendering/bind.hpp"
#include "domain/sensitive_config.hpp"
#include "store/deployments_api.hpp"
#include "store/users.hpp"

namespace deployclaw::api::agents {
namespace {

namespace json = boost::json;

// The change that wants all of `version`, by the rules of every change. What its marks keep and
// what its resources leave open is the version's, not that of the agent as it is.
Result<ChangeRequest> read_version(const runtimes::Catalogue& catalogue, store::LockedAgent agent,
                                   json::object version) {
  json::object body;
  for (const char* name : {"runtimeVersion", "config", "permissions", "resources"}) {
    body[name] = version[name];
  }
  domain::redact_sealed(body["config"]);
  if (auto* config = version["config"].if_object()) agent.config = std::move(*config);
  agent.resources.clear();
  return read_change(catalogue, agent, std::move(body));
}

Task<Status> carry_over_secrets(Services& services, ClientId client,
                                const store::LockedAgent& agent, CheckedConfig& checked) {
  if (domain::sealed_values(checked.config).empty()) co_return Status{};
  auto salt = co_await store::find_client_salt(services.db, client);
  if (!salt) co_return fail(std::move(salt.error()));
  auto config = co_await reseal_config(services, client, std::move(*salt), agent.id,
                                       std::move(checked.config), agent.config);
  if (!config) co_return fail(std::move(config.error()));
  checked.config = std::move(*config);
  co_return Status{};
}

}  // namespace

Task<Result<http::Response>> restore(Services& services, Principal principal,
                                     http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  const auto deployment = deployment_of(request);
  if (!deployment) co_return fail(deployment.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));

  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto agent = co_await lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(std::move(agent.error()));
  auto version = co_await store::find_deployed_spec(*tx, *id, *deployment);
  if (!version) co_return fail(std::move(version.error()));
  if (!*version) co_return no_such_deployment();
  auto wanted = read_version(services.runtimes, *agent, std::move(**version));
  if (!wanted) co_return fail(std::move(wanted.error()));
  auto carried = co_await carry_over_secrets(services, principal.client, *agent, *wanted->config);
  if (!carried) co_return fail(std::move(carried.error()));

  json::object from{{"restoredFrom", deployment->to_string()}};
  auto response = co_await carry_out(services, std::move(principal), *tx, std::move(*agent),
                                     std::move(*wanted), std::move(from));
  co_return response;
}

}  // namespace deployclaw::api::agents
