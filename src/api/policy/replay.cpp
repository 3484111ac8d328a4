#include "services/replay.hpp"

#include <algorithm>
#include <array>
#include <span>

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
constexpr std::int64_t kTimesPage = 50'000;

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
  read_latest(row, Column::kLast, request);
  request.tls = row.boolean(Column::kTls);
  request.websocket = row.boolean(Column::kWebsocket);
  request.method = row.string(Column::kMethod);
  request.rule = row.string(Column::kRule);
  request.denied = row.boolean(Column::kDenied);
  request.layer = row.string(Column::kLayer);
  group.key = row.int64(Column::kKey);
  group.count = row.int64(Column::kCount);
  group.last_at = row.time(Column::kLastAt);
  return group;
}

using Asked = std::array<std::int64_t, domain::kScopes.size()>;

// How often each scope would have been asked for.
Asked count_asked(const services::Replay& replayed,
                  std::span<const services::RecordedGroup> groups) {
  Asked asked{};
  for (const auto& group : groups) {
    const auto found = replayed.charged.find(group.key);
    if (found != replayed.charged.end()) asked[found->second] += group.count;
  }
  return asked;
}

// Only what might fill a window needs looking at one by one.
bool may_bite(const Asked& asked, const domain::AgentLimits& limits) {
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& window = limits.windows[i];
    if (asked[i] > std::min(window.per_hour, window.per_day)) return true;
  }
  return false;
}

Task<Status> simulate(db::Transaction& tx, AgentId agent, Span span,
                      const services::Replay& replayed, services::LimitReplay& limits) {
  std::int64_t after = span.from.time_since_epoch().count() - 1;
  for (;;) {
    const auto rows = co_await store::list_replay_times(tx, agent, after, span.to, kTimesPage);
    if (!rows) co_return context("list the times of requests", rows.error());
    for (const auto row : *rows) {
      after = row.int64(0);
      const auto found = replayed.charged.find(row.int64(1));
      if (found != replayed.charged.end()) limits.take(found->second, after / 1000);
    }
    if (rows->size() < kTimesPage) co_return Status{};
  }
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
    examined += groups.back().count;
  }
  const auto replayed = services::replay(*policy, groups);
  const auto limits = domain::limits_of(*draft, loaded->plan);
  services::LimitReplay over_time(limits);
  const auto asked = count_asked(replayed, groups);
  if (may_bite(asked, limits)) {
    const auto done = co_await simulate(*tx, *agent, span, replayed, over_time);
    if (!done) co_return fail(done.error());
  } else {
    for (std::size_t i = 0; i < asked.size(); ++i) {
      over_time.count(static_cast<std::uint8_t>(i), asked[i]);
    }
  }

  JsonText out(4096);
  out.begin_object();
  out.key("from").string(format_time(span.from));
  out.key("to").string(format_time(span.to));
  out.key("complete").boolean(rows->size() < store::kMostReplayGroups);
  out.key("counts").begin_object();
  out.key("examined").number(examined);
  out.key("stillAllowed").number(replayed.still_allowed);
  out.key("stillDenied").number(replayed.still_denied);
  out.key("newlyDenied").number(sum(replayed.newly_denied));
  out.key("newlyAllowed").number(sum(replayed.newly_allowed));
  out.key("refusedOtherwise").number(replayed.refused_otherwise);
  out.end_object();
  append_changes(out.key("newlyDenied"), replayed.newly_denied);
  append_changes(out.key("newlyAllowed"), replayed.newly_allowed);
  append_limits(out.key("rateLimits"), over_time, limits, *draft);
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::policy
