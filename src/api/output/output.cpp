#include "api/output/output.hpp"

#include <chrono>

#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "api/rendering/page.hpp"
#include "http/sse.hpp"
#include "store/observations.hpp"
#include "store/output.hpp"

namespace deployclaw::api::output {
namespace {

using Column = store::OutputColumn;
using std::chrono::milliseconds;

constexpr std::int64_t kMostTail = 5000;
constexpr std::int64_t kDefaultTail = 200;
constexpr std::int64_t kPage = 500;
constexpr milliseconds kPoll{500};
constexpr int kPollsPerCheck = 30;    // 15 s: a heartbeat, and a look whether the session lives
constexpr int kChecksPerStream = 40;  // 10 min, then the client connects again

void append_line(JsonText& out, const db::Row& row) {
  out.begin_object();
  out.key("seq").raw(row.text(Column::kSeq));
  out.key("at").string(row.text(Column::kAt));
  out.key("stream").string(row.text(Column::kStream));
  out.key("line").string(row.text(Column::kLine));
  out.end_object();
}

std::string as_events(const db::Rows& rows) {
  std::string out;
  for (const auto row : rows) {
    JsonText line;
    append_line(line, row);
    out += http::format_sse(
        {.id = row.string(Column::kSeq), .event = "line", .data = std::move(line).take()});
  }
  return out;
}

// A live view of one agent's output.
struct Following {
  ClientId client;
  SessionId session;
  AgentId agent;
  std::int64_t tail = kDefaultTail;
  std::optional<Time> since;
  std::optional<std::int64_t> after;  // Last-Event-ID
};

std::int64_t last_seq(const db::Rows& rows, std::int64_t before) {
  return rows.empty() ? before : rows[rows.size() - 1].int64(Column::kSeq);
}

Task<void> follow(Services& services, Following what, std::shared_ptr<http::BodyWriter> writer) {
  auto opened = co_await writer->write(http::sse_retry(milliseconds(1000)));
  if (!opened) co_return;
  std::int64_t seq = what.after.value_or(0);
  if (!what.after) {
    const auto rows =
        co_await store::output_tail(services.db, what.client, what.agent, what.tail, what.since);
    if (!rows) co_return;
    seq = last_seq(*rows, seq);
    if (!rows->empty()) {
      auto written = co_await writer->write(as_events(*rows));
      if (!written) co_return;
    }
  }
  for (int check = 0; check < kChecksPerStream; ++check) {
    for (int poll = 0; poll < kPollsPerCheck; ++poll) {
      const auto rows =
          co_await store::output_after(services.db, what.client, what.agent, seq, kPage);
      if (!rows) co_return;  // the client comes back with Last-Event-ID
      seq = last_seq(*rows, seq);
      if (!rows->empty()) {
        auto written = co_await writer->write(as_events(*rows));
        if (!written) co_return;
      }
      if (rows->size() == kPage) continue;
      const bool slept = co_await sleep_for(kPoll);
      if (!slept) co_return;
    }
    const auto live =
        co_await store::check_stream(services.db, what.client, what.session, what.agent);
    if (!live || !live->session_lives || !live->agent_exists) co_return;
    auto beaten = co_await writer->write(http::sse_comment("still here"));
    if (!beaten) co_return;
  }
}

http::Response follow_response(Services& services, Following what) {
  http::Response response;
  response.headers.add("Content-Type", "text/event-stream");
  response.stream = [&services, what](std::shared_ptr<http::BodyWriter> writer) {
    return follow(services, what, std::move(writer));
  };
  return response;
}

Task<Result<http::Response>> show(Services& services, Principal principal, http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  QueryReader query(request);
  const auto tail = query.whole("tail", 1, kMostTail).value_or(kDefaultTail);
  const auto since = query.time("since");
  const bool live = query.flag("follow");
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  const auto found = co_await store::find_health(services.db, principal.client, *agent);
  if (!found) co_return context("find agent", found.error());
  if (found->empty()) co_return no_such_agent();

  if (live) {
    std::optional<std::int64_t> after;
    if (const auto id = request.headers.get("Last-Event-ID")) after = parse_whole(*id);
    co_return follow_response(services, {.client = principal.client,
                                         .session = principal.session,
                                         .agent = *agent,
                                         .tail = tail,
                                         .since = since,
                                         .after = after});
  }
  const auto rows = co_await store::output_tail(services.db, principal.client, *agent, tail, since);
  if (!rows) co_return context("show output", rows.error());
  JsonText out(256 + static_cast<std::size_t>(rows->size()) * 160);
  out.begin_object().key("items").begin_array();
  for (const auto row : *rows) append_line(out, row);
  out.end_array().key("nextCursor").null().end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  add_route(router, services, http::Method::kGet, "/api/agents/:id/output", "getAgentOutput",
            Access{}, bind_action(services, show), "agents:read");
}

}  // namespace deployclaw::api::output
