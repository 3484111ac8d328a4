#include "api/agents/lifecycle.hpp"

#include "api/agents/agents.hpp"
#include "api/agents/view.hpp"
#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"
#include "http/etag.hpp"
#include "store/credentials.hpp"
#include "store/deployments_api.hpp"

namespace deployclaw::api::agents {
namespace {

// Renders the agent as it now is, keeps the answer for a repeated request, records, commits.
Task<Result<http::Response>> finish(db::Transaction& tx, Principal principal, AgentId agent,
                                    audit::Event event) {
  auto response = co_await agent_response(tx, agent, 202);
  if (!response) co_return fail(std::move(response.error()));
  auto kept = co_await record_answer(tx, principal, *response);
  if (!kept) co_return fail(std::move(kept.error()));
  event.agent = agent;
  auto committed = co_await record_and_commit(tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

}  // namespace

Task<Result<store::LockedAgent>> lock_for_change(db::Transaction& tx, AgentId agent,
                                                 http::Request request) {
  auto locked = co_await store::lock_agent(tx, agent);
  if (!locked) co_return fail(std::move(locked.error()));
  if (!*locked) co_return no_such_agent();
  if (const auto wanted = request.headers.get("If-Match")) {
    if (!http::if_match_admits(*wanted, http::make_etag((*locked)->version))) {
      co_return fail(Code::kPreconditionFailed, "precondition_failed",
                     "The agent was changed since you read it.");
    }
  }
  if ((*locked)->desired_state == "deleted" && request.method != http::Method::kDelete) {
    co_return fail(Code::kConflict, "agent_deleting", "The agent is being deleted.");
  }
  co_return std::move(**locked);
}

Task<Status> redeploy_agent(db::Transaction& tx, AgentId agent, std::string kind, UserId user) {
  auto cancelled = co_await store::cancel_active_deployment(tx, agent, "overtaken by a newer one");
  if (!cancelled) co_return cancelled;
  auto set = co_await store::set_desired_state(tx, agent, "running", "provisioning");
  if (!set) co_return set;
  auto queued = co_await store::queue_deployment(tx, agent, std::move(kind), user);
  co_return queued;
}

Task<Result<http::Response>> restart(Services& services, Principal principal,
                                     http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  if (agent->desired_state == "stopped") {
    co_return fail(Code::kConflict, "agent_stopped", "The agent is stopped: start it instead.");
  }
  auto queued = co_await redeploy_agent(*tx, *id, "restart", principal.user);
  if (!queued) co_return fail(std::move(queued.error()));
  auto event = audit_event(principal, "agent_restarted", agent->name);
  auto response = co_await finish(*tx, std::move(principal), *id, std::move(event));
  co_return response;
}

Task<Result<http::Response>> start(Services& services, Principal principal, http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  const auto active = co_await store::has_active_deployment(*tx, *id);
  if (!active) co_return fail(active.error());
  // Starting what runs, or is about to, changes nothing; an agent given up on gets a new chance.
  if (agent->desired_state == "running" && (*active || agent->status != "error")) {
    auto unchanged = co_await agent_response(*tx, *id, 202);
    co_return unchanged;
  }
  auto queued = co_await redeploy_agent(*tx, *id, "start", principal.user);
  if (!queued) co_return fail(std::move(queued.error()));
  auto event = audit_event(principal, "agent_started", agent->name);
  auto response = co_await finish(*tx, std::move(principal), *id, std::move(event));
  co_return response;
}

Task<Result<http::Response>> stop(Services& services, Principal principal, http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  if (agent->desired_state == "stopped") {
    auto unchanged = co_await agent_response(*tx, *id, 202);
    co_return unchanged;
  }
  auto cancelled = co_await store::cancel_active_deployment(*tx, *id, "the agent was stopped");
  if (!cancelled) co_return fail(std::move(cancelled.error()));
  auto set = co_await store::set_desired_state(*tx, *id, "stopped", std::nullopt);
  if (!set) co_return fail(std::move(set.error()));
  auto event = audit_event(principal, "agent_stopped", agent->name);
  auto response = co_await finish(*tx, std::move(principal), *id, std::move(event));
  co_return response;
}

// The credentials go at once, in the same transaction; the container, network and volume are the
// orchestrator's to remove, and after them the agent's row.
Task<Result<http::Response>> remove(Services& services, Principal principal,
                                    http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  if (agent->desired_state == "deleted") {
    auto unchanged = co_await agent_response(*tx, *id, 202);
    co_return unchanged;
  }
  auto cancelled = co_await store::cancel_active_deployment(*tx, *id, "the agent was deleted");
  if (!cancelled) co_return fail(std::move(cancelled.error()));
  const auto destroyed = co_await store::delete_all_credentials(*tx, *id);
  if (!destroyed) co_return fail(destroyed.error());
  auto set = co_await store::set_desired_state(*tx, *id, "deleted", std::nullopt);
  if (!set) co_return fail(std::move(set.error()));
  auto event = audit_event(principal, "agent_deleted", agent->name);
  event.metadata = {{"runtime", agent->runtime}, {"credentialsDestroyed", *destroyed}};
  auto response = co_await finish(*tx, std::move(principal), *id, std::move(event));
  co_return response;
}

}  // namespace deployclaw::api::agents
