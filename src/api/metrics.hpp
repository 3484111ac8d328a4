#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/router.hpp"

namespace deployclaw::api {

// What /metrics tells, in Prometheus' text format. Labels are route patterns and status codes:
// never a path, an id or a name, so that the number of series is bounded and nothing personal gets
// in. One thread, the server's.
class Metrics {
 public:
  // Counts one answered request; `route` is null when none matched. `took` is the time until the
  // handler returned.
  void observe(const http::Route* route, int status, std::chrono::nanoseconds took);
  // Adds to a counter, created at its first use. `name` without prefix ("audit_failures_total").
  void count(std::string_view name, std::uint64_t by = 1);
  // A value read when asked for. `name` and `help` as Prometheus wants them, without prefix.
  void add_gauge(std::string name, std::string help, std::function<double()> read);

  // text/plain; version=0.0.4.
  [[nodiscard]] std::string render() const;

 private:
  static constexpr std::array<double, 9> kBounds{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                 0.1,   0.5,    1,     5};  // seconds
  struct Series {
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, kBounds.size()> buckets{};
    std::uint64_t count = 0;
    double seconds = 0;
  };
  struct Gauge {
    std::string name;
    std::string help;
    std::function<double()> read;
  };
  std::unordered_map<const http::Route*, Series> requests_;
  std::map<std::string, std::uint64_t, std::less<>> counters_;
  std::vector<Gauge> gauges_;
};

}  // namespace deployclaw::api
