// GET /api/agents/:id/metrics.
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "api/agents/agents.hpp"
#include "api/agents/view.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/page.hpp"
#include "domain/metric_window.hpp"
#include "store/agent_metrics.hpp"

namespace deployclaw::api::agents {
namespace {

using domain::MetricWindow;
using std::chrono::seconds;

constexpr std::string_view kDefaultRange = "1h";
constexpr seconds kDefaultSpan = std::chrono::hours(1);

// A row of rows for each step of the window, or none.
using Steps = std::vector<int>;
constexpr int kNoRow = -1;

MetricWindow read_window(QueryReader& query, Time now) {
  const auto range = query.one_of("range", {"1h", "6h", "24h", "7d", "30d"});
  const auto from = query.time("from");
  const auto to = query.time("to");
  const auto step =
      query.whole("step", domain::kShortestMetricStep.count(), domain::kLongestMetricStep.count());
  if (range && (from || to || step)) {
    query.error("range", "cannot be combined with from, to or step");
  }
  if (range || (!from && !to && !step)) {
    return domain::named_window(range.value_or(std::string(kDefaultRange)), now)
        .value_or(MetricWindow{});
  }
  const Time end = to.value_or(now);
  const Time begin = from.value_or(end - kDefaultSpan);
  if (begin >= end) query.error(from ? "from" : "to", "must be before the end of the time");
  if (end > now + std::chrono::days(1)) query.error("to", "must not be in the future");
  if (step && (end - begin) / seconds(*step) > domain::kMostMetricSteps) {
    query.error("step", fmt::format("makes more than {} steps", domain::kMostMetricSteps));
  }
  return domain::covering_window(begin, end, seconds(step.value_or(0)), now);
}

Steps by_step(const db::Rows& rows, std::int64_t count, int step_column) {
  Steps steps(static_cast<std::size_t>(count), kNoRow);
  for (int i = 0; i < rows.size(); ++i) {
    const auto step = rows[i].int64(step_column);
    if (step >= 0 && step < count) steps[static_cast<std::size_t>(step)] = i;
  }
  return steps;
}

// [[time, value], …] of one column; `without` where a step has no row.
void append_series(JsonText& out, const std::vector<std::string>& times, const db::Rows& rows,
                   const Steps& steps, int column, std::string_view without) {
  out.begin_array();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    out.begin_array().string(times[i]);
    out.raw(steps[i] == kNoRow ? without : rows[steps[i]].text(column)).end_array();
  }
  out.end_array();
}

std::vector<std::string> times_of(const MetricWindow& window) {
  std::vector<std::string> times;
  for (std::int64_t i = 0; i < window.count; ++i) {
    times.push_back(format_time(window.from + window.step * i));
  }
  return times;
}

}  // namespace

Task<Result<http::Response>> show_metrics(Services& services, Principal principal,
                                          http::Request request) {
  using Metric = store::MetricColumn;
  using Call = store::ModelCallColumn;
  using Usage = store::UsageColumn;
  const auto agent = agent_of(request);
  if (!agent) co_return fail(agent.error());
  QueryReader query(request);
  const auto window = read_window(query, services.clock.now());
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));

  const auto usage = co_await store::find_usage(services.db, principal.client, *agent);
  if (!usage) co_return context("find usage", usage.error());
  if (usage->empty()) co_return no_such_agent();
  const auto metrics = co_await store::list_metrics(services.db, principal.client, *agent, window);
  if (!metrics) co_return context("list metrics", metrics.error());
  const auto calls =
      co_await store::list_model_calls(services.db, principal.client, *agent, window);
  if (!calls) co_return context("list model calls", calls.error());

  const auto times = times_of(window);
  const auto measured = by_step(*metrics, window.count, Metric::kStep);
  const auto called = by_step(*calls, window.count, Call::kStep);
  JsonText out(1024 + times.size() * 256);
  out.begin_object();
  out.key("from").string(format_time(window.from));
  out.key("to").string(format_time(window.to()));
  out.key("stepSeconds").number(window.step.count());
  out.key("series").begin_object();
  append_series(out.key("cpuCores"), times, *metrics, measured, Metric::kCpuCores, "null");
  append_series(out.key("memoryBytes"), times, *metrics, measured, Metric::kMemoryBytes, "null");
  append_series(out.key("networkRxBytes"), times, *metrics, measured, Metric::kReceivedBytes,
                "null");
  append_series(out.key("networkTxBytes"), times, *metrics, measured, Metric::kSentBytes, "null");
  append_series(out.key("tokensIn"), times, *calls, called, Call::kTokensIn, "0");
  append_series(out.key("tokensOut"), times, *calls, called, Call::kTokensOut, "0");
  append_series(out.key("spendUsd"), times, *calls, called, Call::kSpendUsd, "0");
  out.end_object();
  append_usage(out.key("current"), usage->front(),
               {.cpu_percent = Usage::kCpuPercent,
                .memory_bytes = Usage::kMemoryBytes,
                .memory_limit_bytes = Usage::kMemoryLimitBytes});
  out.end_object();
  co_return json_text_response(200, std::move(out));
}

}  // namespace deployclaw::api::agents
