#include "api/agents/agents.hpp"
#include "api/agents/view.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/page.hpp"
#include "store/agents.hpp"
#include "store/observations.hpp"

namespace deployclaw::api::agents {
namespace {

Time from_microseconds(std::int64_t count) { return Time(std::chrono::microseconds(count)); }

std::optional<store::PageStart> page_start(QueryReader& query) {
  const auto cursor = query.text("cursor");
  if (!cursor) return std::nullopt;
  if (const auto parts = read_cursor(*cursor, 2)) {
    const auto time = parse_whole((*parts)[0]);
    const auto id = AgentId::parse((*parts)[1]);
    if (time && id) return store::PageStart{.time = from_microseconds(*time), .id = *id};
  }
  query.error("cursor", "is not a cursor of this list");
  return std::nullopt;
}

}  // namespace

Task<Result<http::Response>> list(Services& services, Principal principal, http::Request request) {
  QueryReader query(request);
  const auto limit = query.limit();
  const auto start = page_start(query);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));

  const auto rows = co_await store::list_agents(services.db, principal.client, limit + 1, start);
  if (!rows) co_return context("list agents", rows.error());

  const int shown = std::min(rows->size(), static_cast<int>(limit));
  JsonText out(128 + static_cast<std::size_t>(shown) * 2048);
  out.begin_object().key("items").begin_array();
  for (int i = 0; i < shown; ++i) append_agent(out, (*rows)[i]);
  out.end_array().key("nextCursor");
  if (rows->size() > shown) {
    const auto last = (*rows)[shown - 1];
    out.string(make_cursor(
        {last.string(store::AgentColumn::kSortTime), last.string(store::AgentColumn::kId)}));
  } else {
    out.null();
  }
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

Task<Result<http::Response>> show(Services& services, Principal principal, http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto rows = co_await store::find_agent(services.db, principal.client, *agent);
  if (!rows) co_return context("show agent", rows.error());
  if (rows->empty()) co_return no_such_agent();
  co_return agent_response(200, rows->front());
}

Task<Result<http::Response>> show_health(Services& services, Principal principal,
                                         http::Request request) {
  using Column = store::HealthColumn;
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  const auto rows = co_await store::find_health(services.db, principal.client, *agent);
  if (!rows) co_return context("show health", rows.error());
  if (rows->empty()) co_return no_such_agent();
  const auto row = rows->front();

  // What was last observed, unless nobody wants the agent to run any more or nobody looked yet.
  std::string_view status = row.maybe_text(Column::kHealth).value_or("starting");
  if (row.text(Column::kDesiredState) == "stopped" && row.text(Column::kStatus) == "stopped") {
    status = "stopped";
  }
  JsonText out;
  out.begin_object();
  out.key("status").string(status);
  out.key("statusReason").string_or_null(row.maybe_text(Column::kStatusReason));
  out.key("checks").raw(row.maybe_text(Column::kChecks).value_or("[]"));
  out.key("restarts").raw(row.maybe_text(Column::kRestarts).value_or("0"));
  out.key("nextRetryAt").string_or_null(row.maybe_text(Column::kNextRetryAt));
  out.key("lastExitCode").raw(row.maybe_text(Column::kLastExitCode).value_or("null"));
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::agents
