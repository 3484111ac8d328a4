#include "api/approvals/approvals.hpp"

#include "api/idempotency.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "api/rendering/page.hpp"
#include "store/approvals.hpp"
#include "store/observations.hpp"

namespace deployclaw::api::approvals {
namespace {

using Column = store::ApprovalColumn;

std::unexpected<Error> no_such_approval() {
  return fail(Code::kNotFound, "not_found", "There is no such request.");
}

Result<ApprovalId> approval_of(const http::Request& request) {
  const auto id = ApprovalId::parse(request.param("approval"));
  if (!id) return no_such_approval();
  return *id;
}

void append_approval(JsonText& out, const db::Row& row) {
  out.begin_object();
  out.key("id").string(row.text(Column::kId));
  out.key("agentId").string(row.text(Column::kAgentId));
  out.key("agentName").string(row.text(Column::kAgentName));
  out.key("scope").string(row.text(Column::kScope));
  out.key("target").string(row.text(Column::kTarget));
  out.key("digest").string(row.text(Column::kDigest));
  out.key("state").string(row.text(Column::kState));
  out.key("createdAt").string(row.text(Column::kCreatedAt));
  out.key("expiresAt").string(row.text(Column::kExpiresAt));
  out.key("decidedAt").string_or_null(row.maybe_text(Column::kDecidedAt));
  out.key("decidedBy");
  if (row.is_null(Column::kDecidedBy)) {
    out.null();
  } else {
    out.begin_object();
    out.key("id").string(row.text(Column::kDecidedBy));
    out.key("email").string_or_null(row.maybe_text(Column::kDecider));
    out.end_object();
  }
  out.key("usedAt").string_or_null(row.maybe_text(Column::kUsedAt));
  out.key("requestBytes").raw(row.text(Column::kRequestBytes));
  out.key("request").raw(row.maybe_text(Column::kRequest).value_or("null"));
  out.end_object();
}

http::Response approval_response(const db::Row& row) {
  JsonText out(1024 + row.maybe_text(Column::kRequest).value_or("").size());
  out.begin_object().key("approval");
  append_approval(out, row);
  out.end_object();
  return json_text_response(200, std::move(out));
}

std::optional<store::ApprovalPageStart> page_start(QueryReader& query) {
  const auto cursor = query.text("cursor");
  if (!cursor) return std::nullopt;
  if (const auto parts = read_cursor(*cursor, 2)) {
    const auto time = parse_whole((*parts)[0]);
    const auto id = ApprovalId::parse((*parts)[1]);
    if (time && id) {
      return store::ApprovalPageStart{.time = Time(std::chrono::microseconds(*time)), .id = *id};
    }
  }
  query.error("cursor", "is not a cursor of this list");
  return std::nullopt;
}

Task<Result<http::Response>> answer_page(Services& services, Principal principal,
                                         std::optional<AgentId> agent, http::Request request) {
  QueryReader query(request);
  store::ApprovalFilter filter{
      .agent = agent,
      .state = query.one_of("state", {"pending", "granted", "denied", "expired", "used"})};
  const auto limit = query.limit();
  const auto start = page_start(query);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  const auto waiting =
      co_await store::count_pending_approvals(services.db, principal.client, agent);
  if (!waiting) co_return fail(waiting.error());
  const auto rows = co_await store::list_approvals(services.db, principal.client, std::move(filter),
                                                   limit + 1, start);
  if (!rows) co_return context("list approvals", rows.error());
  const int shown = std::min(rows->size(), static_cast<int>(limit));
  JsonText out(128 + static_cast<std::size_t>(shown) * 2048);
  out.begin_object().key("items").begin_array();
  for (int i = 0; i < shown; ++i) append_approval(out, (*rows)[i]);
  out.end_array().key("pending").number(*waiting).key("nextCursor");
  if (rows->size() > shown) {
    const auto last = (*rows)[shown - 1];
    out.string(make_cursor({last.string(Column::kSortTime), last.string(Column::kId)}));
  } else {
    out.null();
  }
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

// The decision, its answer and its audit record become durable together. Row first, then the log,
// as whoever else changes approvals does.
Task<Result<http::Response>> decide(Services& services, Principal principal, http::Request request,
                                    std::string state) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto id = approval_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  auto wanted = state;
  const auto decided =
      co_await store::decide_approval(*tx, *agent, *id, std::move(wanted), principal.user);
  if (!decided) co_return fail(decided.error());
  const auto rows = co_await store::read_approval(*tx, *agent, *id);
  if (!rows) co_return context("read the approval", rows.error());
  if (rows->empty()) co_return no_such_approval();
  const auto row = rows->front();
  if (!*decided) {
    co_return fail(
        Code::kConflict, "approval_not_pending",
        "This request does not wait any more: it is " + row.string(Column::kState) + ".");
  }
  auto response = approval_response(row);
  auto kept = co_await record_answer(*tx, principal, response);
  if (!kept) co_return fail(std::move(kept.error()));
  auto event = audit_event(principal, "approval_" + state, row.string(Column::kTarget));
  event.agent = *agent;
  event.metadata = {{"approvalId", row.string(Column::kId)},
                    {"scope", row.string(Column::kScope)},
                    {"digest", row.string(Column::kDigest)}};
  auto committed = co_await record_and_commit(*tx, std::move(event));
  if (!committed) co_return fail(std::move(committed.error()));
  co_return response;
}

}  // namespace

Task<Result<http::Response>> list_all(Services& services, Principal principal,
                                      http::Request request) {
  auto answer =
      co_await answer_page(services, std::move(principal), std::nullopt, std::move(request));
  co_return answer;
}

Task<Result<http::Response>> list_of_agent(Services& services, Principal principal,
                                           http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto found = co_await store::find_health(services.db, principal.client, *agent);
  if (!found) co_return context("find agent", found.error());
  if (found->empty()) co_return no_such_agent();
  auto answer = co_await answer_page(services, std::move(principal), *agent, std::move(request));
  co_return answer;
}

Task<Result<http::Response>> show(Services& services, Principal principal, http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto id = approval_of(request);
  if (!id) co_return fail(id.error());
  const auto rows = co_await store::find_approval(services.db, principal.client, *agent, *id);
  if (!rows) co_return context("show approval", rows.error());
  if (rows->empty()) co_return no_such_approval();
  co_return approval_response(rows->front());
}

Task<Result<http::Response>> grant(Services& services, Principal principal, http::Request request) {
  auto answer = co_await decide(services, std::move(principal), std::move(request), "granted");
  co_return answer;
}

Task<Result<http::Response>> deny(Services& services, Principal principal, http::Request request) {
  auto answer = co_await decide(services, std::move(principal), std::move(request), "denied");
  co_return answer;
}

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  const Access decide_access{.fresh = true, .least_role = Role::kMember};
  add_route(router, services, Method::kGet, "/api/approvals", "listApprovals", Access{},
            bind_action(services, list_all), "agents:read");
  add_route(router, services, Method::kGet, "/api/agents/:id/approvals", "listAgentApprovals",
            Access{}, bind_action(services, list_of_agent), "agents:read");
  add_route(router, services, Method::kGet, "/api/agents/:id/approvals/:approval", "getApproval",
            Access{}, bind_action(services, show), "agents:read");
  // No scope: an API key cannot decide, whatever it may otherwise.
  add_route(router, services, Method::kPost, "/api/agents/:id/approvals/:approval/grant",
            "grantApproval", decide_access, idempotent(services, bind_action(services, grant)));
  add_route(router, services, Method::kPost, "/api/agents/:id/approvals/:approval/deny",
            "denyApproval", decide_access, idempotent(services, bind_action(services, deny)));
}

}  // namespace deployclaw::api::approvals
