#include "egress/token_renewer.hpp"

#include <algorithm>

#include "base/await.hpp"
#include "egress/json_text.hpp"
#include "egress/small_answer.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// Something that may work another time, by its stable name.
Error passing(std::string cause) {
  return {.code = Code::kUnavailable, .message = cause, .detail_key = std::move(cause)};
}

// Of dialling and of the audit log: their public codes are our causes. That an address or a
// certificate is bad today does not end the grant.
Error passing(const Error& error, std::string_view otherwise) {
  return passing(error.reason.empty() ? std::string(otherwise) : error.reason);
}

std::chrono::seconds pause_after(int failures) {
  const auto doubled = TokenRenewer::kFirstPause * (1 << std::min(failures - 1, 10));
  return std::min(std::chrono::seconds(doubled), TokenRenewer::kLongestPause);
}

}  // namespace

TokenRenewer::TokenRenewer(WorkerShared& shared, Tell tell)
    : shared_(shared), tell_(std::move(tell)), tasks_(shared.executor) {}

TokenRenewer::Flight& TokenRenewer::flight_of(const Key& key, const std::string& grant_name) {
  auto& flight = flights_[key];
  if (flight.grant_name != grant_name) flight = {.grant_name = grant_name};
  return flight;
}

TokenRenewer::Flight* TokenRenewer::find(const Key& key, const std::string& grant_name) {
  const auto found = flights_.find(key);
  return found == flights_.end() || found->second.grant_name != grant_name ? nullptr
                                                                           : &found->second;
}

Error TokenRenewer::expired(const Key& key, const Error& failure, Time until) const {
  Error error{.code = failure.code == Code::kForbidden ? Code::kForbidden : Code::kUnavailable,
              .message = "credential " + key.second + " has expired: " + failure.detail_key,
              .reason = "credential_expired",
              .public_detail = "The credential " + key.second +
                               " has expired and was not renewed: " + failure.detail_key + ".",
              .detail_key = failure.detail_key};
  const auto left = std::chrono::ceil<std::chrono::seconds>(until - shared_.clock.now()).count();
  if (error.code == Code::kUnavailable) error.retry_after_seconds = std::max<long>(1, left);
  return error;
}

Task<Status> TokenRenewer::renew(AgentId agent, std::string credential) {
  const Key key{agent, std::move(credential)};
  const auto context = shared_.agent(agent);
  const auto* held = context ? context->find(key.second) : nullptr;
  if (held == nullptr || !held->renewable()) {
    const Error never{.code = Code::kForbidden, .message = {}, .detail_key = "not_renewed"};
    co_return fail(expired(key, never, {}));
  }
  const auto grant_name = held->grant_name;
  auto& flight = flight_of(key, grant_name);
  if (flight.state == State::kPaused && shared_.clock.now() < flight.until) {
    co_return fail(expired(key, flight.failure, flight.until));
  }
  if (flight.state == State::kIdle || flight.state == State::kPaused) {
    flight.state = State::kAsking;
    tasks_.spawn("renew a token", run(key, context));
  }
  co_await wait(key);
  const auto* now = find(key, grant_name);
  if (now == nullptr) co_return Status{};
  if (now->state == State::kPaused) co_return fail(expired(key, now->failure, now->until));
  co_return fail(expired(key, passing("renewal_takes_long"), shared_.clock.now() + kFirstPause));
}

Task<void> TokenRenewer::wait(Key key) {
  asio::steady_timer timer(shared_.executor, kMostWait);
  const auto mine = waiters_.insert(waiters_.end(), {.key = std::move(key), .timer = &timer});
  co_await timer.async_wait(kAwait);
  waiters_.erase(mine);
}

void TokenRenewer::wake(const Key& key) {
  for (const auto& waiter : waiters_) {
    if (waiter.key == key) waiter.timer->cancel();
  }
}

void TokenRenewer::on_new_configuration() {
  for (auto flight = flights_.begin(); flight != flights_.end();) {
    const auto& [key, about] = *flight;
    const auto context = shared_.agent(key.first);
    const auto* held = context ? context->find(key.second) : nullptr;
    if (held != nullptr && held->grant_name == about.grant_name) {
      ++flight;
      continue;
    }
    wake(key);
    flight = flights_.erase(flight);
  }
}

Task<void> TokenRenewer::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

// ---- One renewal.

Task<void> TokenRenewer::run(Key key, std::shared_ptr<const AgentContext> context) {
  const HeldCredential& held = *context->find(key.second);
  ++running_;
  const json::object what{{"credential", json_text(key.second)},
                          {"kind", json_text(held.kind)},
                          {"host", json_text(held.oauth->host)}};
  auto intent = shared_.trail.intend(key.first, {{"actionType", "token_renewed"},
                                                 {"target", json_text(held.oauth->authority())},
                                                 {"metadata", what}});
  int status = 0;
  auto answer = co_await ask(intent, held, status);
  json::object details;
  if (status != 0) details["status"] = status;
  Status done;
  if (answer) {
    details["lifetimeSeconds"] = answer->lifetime.count();
    done = hand_over(key, held, std::move(*answer));
  } else {
    done = fail(answer.error());
  }
  if (!done) details["reason"] = json_text(done.error().detail_key);
  intent.finish({{"outcome", done ? "success" : "failure"}, {"metadata", std::move(details)}});
  --running_;
  conclude(key, held.grant_name, std::move(done));
}

Task<Result<services::TokenAnswer>> TokenRenewer::ask(AuditTrail::Intent& intent,
                                                      const HeldCredential& held, int& status) {
  const auto durable = co_await intent.durable();
  if (!durable) co_return fail(passing(durable.error(), "audit_unavailable"));
  UpstreamKey where{.host = held.oauth->host, .port = held.oauth->port, .tls = true};
  auto upstream = co_await shared_.upstreams.dial(std::move(where));
  if (!upstream) co_return fail(passing(upstream.error(), "upstream_unreachable"));
  upstream->stream->set_deadline(kMostAsking);
  auto answer = co_await talk(*upstream, held, status);
  upstream->stream->close();
  co_return answer;
}

Task<Result<services::TokenAnswer>> TokenRenewer::talk(Upstream& upstream,
                                                       const HeldCredential& held, int& status) {
  const auto request = services::token_request(*held.oauth, held.grant);
  StreamReader reader(*upstream.stream);
  const auto head = co_await ask_upstream(reader, request.expose_text(), http::Method::kPost);
  if (!head) co_return fail(head.error());
  status = head->status;
  auto whole = co_await read_small_body(reader, head->framing, services::kMostTokenAnswer);
  if (!whole) co_return fail(whole.error());
  auto answer = services::parse_token_answer(status, *whole);
  wipe_string(*whole);
  co_return answer;
}

Status TokenRenewer::hand_over(const Key& key, const HeldCredential& held,
                               services::TokenAnswer answer) {
  const RenewedMessage message{.agent = key.first,
                               .credential = key.second,
                               .grant_name = held.grant_name,
                               .lifetime = static_cast<std::uint32_t>(answer.lifetime.count()),
                               .access_token = std::move(answer.access_token),
                               .refresh_token = std::move(answer.refresh_token)};
  const auto told = tell_(message);
  if (!told) return fail(passing("platform_unavailable"));
  return {};
}

void TokenRenewer::conclude(const Key& key, const std::string& grant_name, Status done) {
  auto* flight = find(key, grant_name);
  if (flight == nullptr) return;  // the customer was faster
  if (done) {
    flight->state = State::kHandedOver;
    return;
  }
  const bool for_good = done.error().code == Code::kForbidden;
  flight->state = State::kPaused;
  flight->failure = std::move(done.error());
  const auto pause = for_good ? kRefusedFor : pause_after(++flight->failures);
  flight->until = shared_.clock.now() + pause;
  wake(key);
}

}  // namespace deployclaw::egress
