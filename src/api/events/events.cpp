#include "api/events/events.hpp"

#include "api/events/hub.hpp"
#include "api/guard.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/page.hpp"
#include "base/log.hpp"
#include "http/sse.hpp"
#include "store/live_sessions.hpp"

namespace deployclaw::api::events {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHeartbeat{15'000};
constexpr milliseconds kReconnect{1'000};
// Changes often come in bursts; what follows the first one closely travels together.
constexpr milliseconds kGather{100};

// The database is asked at each heartbeat, so that an end that was not notified (idle, expiry) ends
// the stream too. Trouble with the database ends it as well: the reader comes back.
Task<bool> still_lives(Services& services, const Reader& reader) {
  const auto lives = co_await store::session_lives(services.db, reader.client, reader.session);
  if (!lives) log::warn("event stream not checked", {{"cause", lives.error().message}});
  co_return lives.value_or(false);
}

Task<void> send_events(Services& services, std::shared_ptr<Subscription> subscription,
                       std::shared_ptr<http::BodyWriter> writer) {
  auto opened = co_await writer->write(http::sse_retry(kReconnect));
  if (!opened) co_return;
  auto beat_at = std::chrono::steady_clock::now() + kHeartbeat;
  while (!subscription->ended()) {
    auto text = subscription->take();
    if (!text.empty()) {
      auto written = co_await writer->write(std::move(text));
      if (!written) co_return;
      const bool slept = co_await sleep_for(kGather);
      if (!slept) co_return;
    }
    const auto left = std::chrono::ceil<milliseconds>(beat_at - std::chrono::steady_clock::now());
    if (left > milliseconds(0)) {
      const bool woken = co_await subscription->wait(left);
      if (!woken) co_return;
      continue;
    }
    const bool lives = co_await still_lives(services, subscription->reader());
    if (!lives) co_return;
    auto beaten = co_await writer->write(http::sse_comment("still here"));
    if (!beaten) co_return;
    beat_at = std::chrono::steady_clock::now() + kHeartbeat;
  }
}

Task<Result<http::Response>> open(Services& services, Principal principal, http::Request request) {
  QueryReader query(request);
  const auto text = query.text("topics", 4096);
  if (auto good = query.finish(); !good) co_return fail(std::move(good.error()));
  auto topics = Topics::parse(text.value_or(""));
  if (!topics) co_return fail(std::move(topics.error()));
  const Reader reader{
      .client = principal.client, .user = principal.user, .session = principal.session};
  auto subscription =
      services.events->subscribe(reader, std::move(*topics), request.headers.get("Last-Event-ID"));
  if (!subscription) co_return fail(std::move(subscription.error()));
  http::Response response;
  response.headers.add("Content-Type", "text/event-stream");
  // A proxy in front must not gather the stream.
  response.headers.add("X-Accel-Buffering", "no");
  response.stream = [&services,
                     held = std::move(*subscription)](std::shared_ptr<http::BodyWriter> writer) {
    return send_events(services, held, std::move(writer));
  };
  co_return response;
}

}  // namespace

void add_routes(http::Router& router, Services& services) {
  add_route(router, services, http::Method::kGet, "/api/events", "streamEvents", Access{},
            bind_action(services, open), "agents:read");
}

}  // namespace deployclaw::api::events
