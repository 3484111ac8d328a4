// POST /api/agents/:id/page-ticket.
#include "api/agent_page/host.hpp"
#include "api/agent_page/pages.hpp"
#include "api/guard.hpp"
#include "api/rendering/bind.hpp"
#include "base/random.hpp"
#include "http/problem.hpp"
#include "runtimes/catalogue.hpp"
#include "store/agents.hpp"
#include "store/page_sessions.hpp"

namespace deployclaw::api::agent_page {
namespace {

// Good when the agent has a page that could answer.
Status check_agent(const Services& services, const db::Row& agent) {
  const auto* runtime = services.runtimes.find(agent.text(store::AgentColumn::kRuntime), true);
  if (runtime == nullptr || !runtime->page) {
    return fail(Code::kConflict, "no_own_page",
                "Agents of this runtime have no page of their own.");
  }
  if (agent.text(store::AgentColumn::kDesiredState) != "running") {
    return fail(Code::kConflict, "agent_not_running", "The agent does not run; start it first.");
  }
  return {};
}

Task<Result<http::Response>> make(Services& services, Principal principal, http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto rows = co_await store::find_agent(*tx, *agent);
  if (!rows) co_return context("find agent", rows.error());
  if (rows->empty()) co_return no_such_agent();
  if (auto good = check_agent(services, rows->front()); !good) co_return fail(good.error());

  const auto ticket = random_token(32);
  store::NewPageTicket row{.client = principal.client,
                           .agent = *agent,
                           .user = principal.user,
                           .session_created_at = principal.session_created_at,
                           .hash = crypto::sha256(bytes_of(ticket))};
  auto inserted = co_await store::insert_page_ticket(*tx, std::move(row));
  if (!inserted) co_return fail(std::move(inserted.error()));
  auto event =
      audit_event(principal, "agent_page_opened", rows->front().string(store::AgentColumn::kName));
  event.agent = *agent;
  auto committed = co_await record_and_commit(*tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  const auto origin =
      page_origin(*agent, services.config.agents_host, services.config.public_origin);
  co_return http::json_response(200, {{"url", origin + "/~deployclaw/enter?ticket=" + ticket}});
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  add_route(router, services, http::Method::kPost, "/api/agents/:id/page-ticket",
            "makeAgentPageTicket", Access{.fresh = true, .least_role = Role::kMember},
            bind_action(services, make));
}

}  // namespace deployclaw::api::agent_page
