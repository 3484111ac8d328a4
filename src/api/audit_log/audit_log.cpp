#include "api/audit_log/audit_log.hpp"

#include "api/audit_log/view.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/page.hpp"
#include "audit/append.hpp"
#include "store/audit_records.hpp"
#include "store/observations.hpp"

namespace deployclaw::api::audit_log {
namespace {

using Column = store::AuditColumn;

constexpr std::int64_t kExportPage = 500;

store::AuditFilter read_filter(QueryReader& query) {
  return {
      .agent = std::nullopt,
      .actor_type = query.one_of("actorType", {"user", "api_key", "agent", "system", "operator"}),
      .action_type = query.text("actionType"),
      .outcome = query.one_of("outcome", {"success", "denied", "failure", "pending"}),
      .target = query.text("target", 1000),
      .from = query.time("from"),
      .to = query.time("to"),
      .text = query.text("q")};
}

Task<Result<http::Response>> answer_page(Services& services, ClientId client,
                                         store::AuditFilter filter, std::int64_t limit,
                                         std::optional<std::int64_t> before) {
  const auto rows =
      co_await store::list_audit(services.db, client, std::move(filter), limit + 1, before);
  if (!rows) co_return context("list audit", rows.error());
  const int shown = std::min(rows->size(), static_cast<int>(limit));
  JsonText out(128 + static_cast<std::size_t>(shown) * 512);
  out.begin_object().key("items").begin_array();
  for (int i = 0; i < shown; ++i) append_record(out, (*rows)[i], Detail::kShown);
  out.end_array().key("nextCursor");
  if (rows->size() > shown) {
    out.string(make_cursor({(*rows)[shown - 1].string(Column::kSeq)}));
  } else {
    out.null();
  }
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

std::optional<std::int64_t> read_before(QueryReader& query) {
  const auto cursor = query.text("cursor");
  if (!cursor) return std::nullopt;
  const auto parts = read_cursor(*cursor, 1);
  const auto seq = parts ? parse_whole(parts->front()) : std::nullopt;
  if (!seq) query.error("cursor", "is not a cursor of this list");
  return seq;
}

Task<Result<http::Response>> list_all(Services& services, Principal principal,
                                      http::Request request) {
  QueryReader query(request);
  auto filter = read_filter(query);
  filter.agent = query.agent("agentId");
  const auto limit = query.limit();
  const auto before = read_before(query);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  auto answer = co_await answer_page(services, principal.client, std::move(filter), limit, before);
  co_return answer;
}

Task<Result<http::Response>> list_of_agent(Services& services, Principal principal,
                                           http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  QueryReader query(request);
  auto filter = read_filter(query);
  filter.agent = *agent;
  const auto limit = query.limit();
  const auto before = read_before(query);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  const auto found = co_await store::find_health(services.db, principal.client, *agent);
  if (!found) co_return context("find agent", found.error());
  if (found->empty()) co_return no_such_agent();
  auto answer = co_await answer_page(services, principal.client, std::move(filter), limit, before);
  co_return answer;
}

// Page by page, so that an export of any length needs the memory of one page. What is appended
// meanwhile is not part of it.
Task<void> write_export(Services& services, ClientId client, store::AuditFilter filter, bool csv,
                        std::shared_ptr<http::BodyWriter> writer) {
  if (csv) {
    const auto headed = co_await writer->write(csv_head());
    if (!headed) co_return;
  }
  std::int64_t after = 0;
  for (;;) {
    const auto rows = co_await store::export_audit(services.db, client, filter, kExportPage, after);
    // The status is sent already: an export that breaks off must not look complete, so the stream
    // ends with a line that no parser takes for a record.
    if (!rows) {
      const auto told = co_await writer->write("!! export incomplete: the database failed\n");
      if (!told) co_return;
      co_return;
    }
    std::string chunk;
    for (const auto row : *rows) {
      after = row.int64(Column::kSeq);
      if (csv) {
        append_csv(chunk, row);
      } else {
        JsonText line;
        append_record(line, row, Detail::kVerifiable);
        chunk += std::move(line).take();
        chunk += '\n';
      }
    }
    if (!chunk.empty()) {
      const auto written = co_await writer->write(std::move(chunk));
      if (!written) co_return;
    }
    if (rows->size() < kExportPage) co_return;
  }
}

Task<Result<http::Response>> export_all(Services& services, Principal principal,
                                        http::Request request) {
  QueryReader query(request);
  auto filter = read_filter(query);
  filter.agent = query.agent("agentId");
  const auto format = query.one_of("format", {"jsonl", "csv"}).value_or("jsonl");
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));

  // The export itself is an event, and the last record of what it exports, unless filtered.
  auto event = audit_event(principal, "audit_exported", format);
  std::vector<audit::Event> events;
  events.push_back(std::move(event));
  auto recorded = co_await audit::append(services.db, std::move(events));
  if (!recorded) co_return fail(std::move(recorded.error()));

  http::Response response;
  const bool csv = format == "csv";
  response.headers.add("Content-Type", csv ? "text/csv; charset=utf-8" : "application/jsonl");
  response.headers.add("Content-Disposition", csv ? "attachment; filename=\"audit.csv\""
                                                  : "attachment; filename=\"audit.jsonl\"");
  response.stream = [&services, client = principal.client, filter = std::move(filter),
                     csv](std::shared_ptr<http::BodyWriter> writer) {
    return write_export(services, client, filter, csv, std::move(writer));
  };
  co_return response;
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  add_route(router, services, Method::kGet, "/api/audit", "listAudit", Access{},
            bind_action(services, list_all), "audit:read");
  add_route(router, services, Method::kGet, "/api/audit/export", "exportAudit",
            Access{.fresh = true}, bind_action(services, export_all));
  add_route(router, services, Method::kGet, "/api/agents/:id/logs", "listAgentAudit", Access{},
            bind_action(services, list_of_agent), "audit:read");
}

}  // namespace deployclaw::api::audit_log
