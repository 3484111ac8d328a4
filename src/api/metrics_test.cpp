#include "api/metrics.hpp"

#include <gtest/gtest.h>

namespace deployclaw::api {
namespace {

TEST(Metrics, CountsRequestsByPatternAndStatusWithCumulativeBuckets) {
  Metrics metrics;
  const http::Route route{
      .method = http::Method::kGet, .pattern = "/api/agents/:id", .info = {}, .handler = nullptr};
  metrics.observe(&route, 200, std::chrono::microseconds(300));
  metrics.observe(&route, 200, std::chrono::milliseconds(3));
  metrics.observe(&route, 404, std::chrono::seconds(60));
  metrics.observe(nullptr, 404, std::chrono::microseconds(1));
  metrics.count("logins_failed_total");
  metrics.count("logins_failed_total", 2);
  metrics.add_gauge("open", "Help.", [] { return 1.5; });
  const auto text = metrics.render();
  for (const char* line :
       {"deployclaw_http_requests_total{method=\"GET\",route=\"/api/agents/:id\",status=\"200\"} "
        "2\n",
        "deployclaw_http_requests_total{method=\"GET\",route=\"/api/agents/:id\",status=\"404\"} "
        "1\n",
        "deployclaw_http_requests_total{method=\"\",route=\"none\",status=\"404\"} 1\n",
        "deployclaw_http_request_seconds_bucket{method=\"GET\",route=\"/api/agents/:id\","
        "le=\"0.001\"} 1\n",
        "deployclaw_http_request_seconds_bucket{method=\"GET\",route=\"/api/agents/:id\","
        "le=\"0.005\"} 2\n",
        "deployclaw_http_request_seconds_bucket{method=\"GET\",route=\"/api/agents/:id\","
        "le=\"+Inf\"} 3\n",
        "deployclaw_logins_failed_total 3\n", "deployclaw_open 1.5\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace deployclaw::api
