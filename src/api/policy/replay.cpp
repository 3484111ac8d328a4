#include "services/replay.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "api/policy/parts.hpp"
#include "api/policy/policy.hpp"
#include "api/policy/recorded.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "http/fields.hpp"
#include "http/json_body.hpp"
#include "store/policy_replay.hpp"

namespace deployclaw::api::policy {
namespace {

using Column = store::ReplayColumn;

constexpr std::size_t kMostShown = 200;

struct Span {
  Time from;
  Time to;
};

Result<domain::Permissions> read_draft(const http::Request& request) {
  const auto body = http::json_object_body(request);
  if (!body) return fail(body.error());
  http::Fields in(*body);
  domain::Permissions draft;
  const auto* given = in.optional_value("permissions");
  if (given == nullptr) {
    in.error("permissions", "is required");
  } else {
    std::vector<FieldError> errors;
    draft = domain::read_permissions(*given, "/permissions", errors);
    for (auto& error : errors) in.error_at(std::move(error.pointer), std::move(error.detail));
  }
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return draft;
}

services::RecordedGroup read_group(const db::Row& row) {
  services::RecordedGroup group;
  auto& request = group.request;
  read_place(row, Column::kHost, Column::kPort, Column::kTarget, request);
  request.path = row.string(Column::kPath);
  request.reason = row.string(Column::kReason);
  request.tls = row.boolean(Column::kTls);
  request.websocket = row.boolean(Column::kWebsocket);
  request.method = row.string(Column::kMethod);
  request.rule = row.string(Column::kRule);
  request.denied = row.boolean(Column::kDenied);
  request.layer = row.string(Column::kLayer);
  group.count = row.int64(Column::kCount);
  group.last_at = row.time(Column::kLastAt);
  return group;
}

// Each request that would have come as far as its rate limit, in the order of time.
Result<services::LimitReplay> over_time(const db::Rows& rows, const services::Replay& replayed,
                                        const domain::AgentLimits& limits) {
  std::array<std::vector<std::int64_t>, domain::kScopes.size()> times;
  for (int i = 0; i < rows.size(); ++i) {
    const auto found = replayed.charged.find(i);
    if (found == replayed.charged.end()) continue;
    const auto more = store::parse_times(rows[i].text(Column::kTimes));
    auto& all = times[found->second];
    all.insert(all.end(), more.begin(), more.end());
  }
  services::LimitReplay out(limits);
  for (std::uint8_t scope = 0; scope < times.size(); ++scope) {
    std::ranges::sort(times[scope]);
    for (const auto at : times[scope]) out.take(scope, at);
  }
  return out;
}

void append_changes(JsonText& out, const std::vector<services::ReplayChange>& changes) {
  out.begin_array();
  for (std::size_t i = 0; i < std::min(kMostShown, changes.size()); ++i) {
    const auto& change = changes[i];
    const auto text = [](const std::string& value) -> std::optional<std::string_view> {
      if (value.empty()) return std::nullopt;
      return value;
    };
    out.begin_object();
    out.key("host").string(change.host);
    out.key("rule").string_or_null(text(change.rule));
    out.key("scope").string_or_null(text(change.scope));
    out.key("reason").string_or_null(text(change.reason));
    out.key("count").number(change.count);
    out.key("lastAt").string(format_time(change.last_at));
    out.key("example").string(change.example);
    out.end_object();
  }
  out.end_array();
}

std::string day_text(domain::DayNumber day) {
  return format_time(Time(std::chrono::days(day))).substr(0, 10);
}

void append_limits(JsonText& out, const services::LimitReplay& replayed,
                   const domain::AgentLimits& limits, const domain::Permissions& draft) {
  out.begin_array();
  for (std::size_t i = 0; i < domain::kScopes.size(); ++i) {
    const auto& scope = replayed.scopes()[i];
    if (scope.attempts == 0) continue;
    out.begin_object();
    out.key("scope").string(domain::kScopes[i]);
    out.key("maxPerHour").number(limits.windows[i].per_hour);
    out.key("maxPerDay").number(limits.windows[i].per_day);
    out.key("default").boolean(!draft.rate_limits.contains(std::string(domain::kScopes[i])));
    out.key("attempts").number(scope.attempts);
    out.key("refused").number(scope.refused);
    out.key("firstRefusedAt");
    if (scope.refused == 0) {
      out.null();
    } else {
      out.string(format_time(Time(std::chrono::milliseconds(scope.first_refused_at))));
    }
    out.key("days").begin_array();
    for (const auto& [day, tally] : scope.days) {
      if (tally.refused == 0) continue;
      out.begin_object();
      out.key("day").string(day_text(day));
      out.key("attempts").number(tally.attempts);
      out.key("refused").number(tally.refused);
      out.end_object();
    }
    out.end_array();
    out.end_object();
  }
  out.end_array();
}

std::int64_t sum(const std::vector<services::ReplayChange>& changes) {
  std::int64_t count = 0;
  for (const auto& change : changes) count += change.count;
  return count;
}

}  // namespace

Task<Result<http::Response>> replay(Services& services, Principal principal,
                                    http::Request request) {
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  auto draft = read_draft(request);
  if (!draft) co_return fail(draft.error());
  auto loaded = co_await load_policy(services, principal.client, *agent);
  if (!loaded) co_return fail(loaded.error());
  loaded->parts.permissions = *draft;
  const auto policy = compile(*loaded);
  if (!policy) co_return context("compile the draft", policy.error());

  const auto now = services.clock.now();
  const Span span{.from = now - kPast, .to = now};
  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto rows = co_await store::list_replay_groups(*tx, *agent, span.from, span.to);
  if (!rows) co_return context("list requests", rows.error());
  std::vector<services::RecordedGroup> groups;
  std::int64_t examined = 0;
  for (const auto row : *rows) {
    groups.push_back(read_group(row));
    groups.back().key = static_cast<std::int64_t>(groups.size()) - 1;
    examined += groups.back().count;
  }
  const bool complete =
      rows->size() < store::kMostReplayGroups && examined < store::kMostReplayRecords;
  const auto limits = domain::limits_of(*draft, loaded->plan);
  auto replayed = std::make_shared<const services::Replay>(services::replay(*policy, groups));
  // Some million numbers to be read and sorted: not on the thread that answers everybody.
  std::function<Result<services::LimitReplay>()> work = [rows = *rows, replayed, limits] {
    return over_time(rows, *replayed, limits);
  };
  const auto timed = co_await run_blocking(services.hashing, std::move(work));
  if (!timed) co_return fail(timed.error());

  JsonText out(4096);
  out.begin_object();
  out.key("from").string(format_time(span.from));
  out.key("to").string(format_time(span.to));
  out.key("complete").boolean(complete);
  out.key("counts").begin_object();
  out.key("examined").number(examined);
  out.key("stillAllowed").number(replayed->still_allowed);
  out.key("stillDenied").number(replayed->still_denied);
  out.key("newlyDenied").number(sum(replayed->newly_denied));
  out.key("newlyAllowed").number(sum(replayed->newly_allowed));
  out.key("refusedOtherwise").number(replayed->refused_otherwise);
  out.end_object();
  append_changes(out.key("newlyDenied"), replayed->newly_denied);
  append_changes(out.key("newlyAllowed"), replayed->newly_allowed);
  append_limits(out.key("rateLimits"), *timed, limits, *draft);
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::policy
