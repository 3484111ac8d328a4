#include <memory>
#include <utility>

#include "api/policy/policy.hpp"
#include "api/rendering/bind.hpp"

namespace deployclaw::api::policy {
namespace {

// Reading a long log keeps a connection and a core of the database busy for seconds.
constexpr int kMostReadings = 3;
constexpr std::int64_t kRetrySeconds = 5;

struct Readings {
  int running = 0;
};

// Counts one reading for as long as it lives.
class Reading {
 public:
  explicit Reading(std::shared_ptr<Readings> readings) : readings_(std::move(readings)) {
    ++readings_->running;
  }
  ~Reading() { --readings_->running; }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  std::shared_ptr<Readings> readings_;
};

Task<Result<http::Response>> read_log(Services& services, std::shared_ptr<Readings> readings,
                                      Handle handle, Principal principal, http::Request request) {
  if (readings->running >= kMostReadings) {
    Error busy{.code = Code::kRateLimited, .message = "too many readings of the log at once"};
    busy.reason = "rate_limited";
    busy.public_detail = "Others are reading their logs. Try again in a moment.";
    busy.retry_after_seconds = kRetrySeconds;
    co_return fail(std::move(busy));
  }
  const Reading reading(std::move(readings));
  auto answer = co_await handle(services, std::move(principal), std::move(request));
  co_return answer;
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  using http::Method;
  const auto readings = std::make_shared<Readings>();
  const auto bounded = [&services, readings](Handle handle) -> Action {
    return [&services, readings, handle](Principal principal, http::Request request) {
      return read_log(services, readings, handle, std::move(principal), std::move(request));
    };
  };
  add_route(router, services, Method::kPost, "/api/agents/:id/policy/explain", "explainPolicy",
            Access{}, bind_action(services, explain), "agents:read");
  add_route(router, services, Method::kPost, "/api/agents/:id/policy/replay", "replayPolicy",
            Access{}, bounded(replay), "agents:read");
  add_route(router, services, Method::kGet, "/api/agents/:id/suggestions", "listSuggestions",
            Access{}, bounded(suggestions), "agents:read");
}

}  // namespace deployclaw::api::policy
