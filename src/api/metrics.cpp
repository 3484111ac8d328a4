#include "api/metrics.hpp"

#include <fmt/format.h>

namespace deployclaw::api {
namespace {

std::string route_labels(const http::Route* route) {
  if (route == nullptr) return "method=\"\",route=\"none\"";
  return fmt::format("method=\"{}\",route=\"{}\"", http::to_string(route->method), route->pattern);
}

template <class... Values>
void append_line(std::string& out, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Values>(values)...);
  out += '\n';
}

}  // namespace

void Metrics::observe(const http::Route* route, int status, std::chrono::nanoseconds took) {
  Series& series = requests_[route];
  ++series.by_status[status];
  ++series.count;
  const double seconds = std::chrono::duration<double>(took).count();
  series.seconds += seconds;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) {
      ++series.buckets[i];
      break;
    }
  }
}

void Metrics::count(std::string_view name, std::uint64_t by) {
  const auto found = counters_.find(name);
  if (found != counters_.end()) {
    found->second += by;
  } else {
    counters_.emplace(name, by);
  }
}

void Metrics::add_gauge(std::string name, std::string help, std::function<double()> read) {
  gauges_.push_back({std::move(name), std::move(help), std::move(read)});
}

std::string Metrics::render() const {
  std::string out;
  append_line(out, "# HELP deployclaw_http_requests_total Requests answered, by route and status.");
  append_line(out, "# TYPE deployclaw_http_requests_total counter");
  for (const auto& [route, series] : requests_) {
    for (const auto& [status, count] : series.by_status) {
      append_line(out, "deployclaw_http_requests_total{{{},status=\"{}\"}} {}", route_labels(route),
                  status, count);
    }
  }
  append_line(out,
              "# HELP deployclaw_http_request_seconds Time until a handler returned its answer.");
  append_line(out, "# TYPE deployclaw_http_request_seconds histogram");
  for (const auto& [route, series] : requests_) {
    const auto labels = route_labels(route);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      below += series.buckets[i];
      append_line(out, "deployclaw_http_request_seconds_bucket{{{},le=\"{}\"}} {}", labels,
                  kBounds[i], below);
    }
    append_line(out, "deployclaw_http_request_seconds_bucket{{{},le=\"+Inf\"}} {}", labels,
                series.count);
    append_line(out, "deployclaw_http_request_seconds_sum{{{}}} {}", labels, series.seconds);
    append_line(out, "deployclaw_http_request_seconds_count{{{}}} {}", labels, series.count);
  }
  for (const auto& [name, value] : counters_) {
    append_line(out, "# TYPE deployclaw_{} counter", name);
    append_line(out, "deployclaw_{} {}", name, value);
  }
  for (const auto& gauge : gauges_) {
    append_line(out, "# HELP deployclaw_{} {}", gauge.name, gauge.help);
    append_line(out, "# TYPE deployclaw_{} gauge", gauge.name);
    append_line(out, "deployclaw_{} {}", gauge.name, gauge.read());
  }
  return out;
}

}  // namespace deployclaw::api
