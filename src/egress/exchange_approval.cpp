#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "egress/approval_desk.hpp"
#include "egress/exchange.hpp"
#include "egress/forward_head.hpp"
#include "egress/json_text.hpp"
#include "http/problem.hpp"
#include "scrub/finder.hpp"
#include "services/canonical_request.hpp"
#include "services/render_request.hpp"

// A request whose scope needs a person: held whole, shown, and sent once somebody said yes to
// exactly it.
namespace deployclaw::egress {

namespace json = boost::json;
using State = ApprovalHold::State;

namespace {

constexpr std::int64_t kAskAgainSeconds = 10;

Error too_large() {
  return {.code = Code::kTooLarge,
          .message = "too large for an approval",
          .reason = "approval_too_large",
          .public_detail = "A request that waits for a person may have a body of 1 MiB at most."};
}

Error not_granted(State state) {
  switch (state) {
    case State::kDenied:
      return {.code = Code::kForbidden,
              .message = "denied",
              .reason = "approval_denied",
              .public_detail = "A person has denied this request."};
    case State::kExpired:
      return {.code = Code::kForbidden,
              .message = "expired",
              .reason = "approval_expired",
              .public_detail = "Nobody decided in time. Sent again, the request asks anew."};
    case State::kFull:
      return {.code = Code::kRateLimited,
              .message = "too many wait",
              .reason = "approvals_full",
              .public_detail = "Too many requests of this agent wait for a person already.",
              .retry_after_seconds = 60};
    default:
      return {.code = Code::kUnavailable,
              .message = "no approval to be had",
              .reason = "approval_unavailable",
              .public_detail = "This request needs a person, who cannot be asked now.",
              .retry_after_seconds = kAskAgainSeconds};
  }
}

}  // namespace

bool Exchange::needs_approval() const { return agent_->policy.needs_approval(decision_.scope); }

// Nothing that will be refused anyway is shown to a person, and no real secret ever.
Status Exchange::check_before_showing() const {
  if (auto clean = check_for_secrets(); !clean) return clean;
  if (whole_body_) {
    const bool injects = services::injects_body(decision_.injections);
    const auto& forbidden = injects ? agent_->response_patterns : agent_->request_patterns;
    if (const auto finding = scrub::find_in(*forbidden, *whole_body_)) {
      return fail(agent_->misplaced(finding->id, "The request's body"));
    }
  }
  static const Secret kStandIn = Secret::copy_of("stand-in");
  const services::SecretSource source = [](std::string_view) { return &kStandIn; };
  auto head = head_;
  auto target = target_;
  const auto all = agent_->policy.credentials();
  const auto tried = services::inject_head(head, target, decision_.injections, all, source);
  if (!tried) return fail(tried.error());
  if (!whole_body_) return {};
  auto body = *whole_body_;
  const auto also = services::inject_body(body, decision_.injections, all, source);
  if (!also) return fail(also.error());
  return {};
}

// Reads the request to its end and takes the one form that is shown and recognised.
Task<Result<ApprovalRequest>> Exchange::show() {
  if (websocket_) {
    co_return fail(Code::kForbidden, "approval_impossible",
                   "This scope waits for a person, and a connection that is upgraded cannot be "
                   "shown whole.");
  }
  using Kind = http::BodyFraming::Kind;
  if (head_.framing.kind == Kind::kLength && head_.framing.length > kMostWholeBody) {
    co_return fail(too_large());
  }
  if (!whole_body_ && !body_->done()) {
    auto read = co_await read_whole_body(kMostWholeBody);
    if (!read) co_return fail(read.error().code == Code::kTooLarge ? too_large() : read.error());
    name_target();
  }
  if (auto good = check_before_showing(); !good) co_return fail(good.error());
  const auto length = whole_body_ && head_.framing.kind != Kind::kNone
                          ? std::optional(whole_body_->size())
                          : std::nullopt;
  const auto head =
      http::parse_request_head(request_head(head_, target_, origin_.authority(), false, length));
  if (!head) co_return fail(head.error());
  const auto target = target_.origin_form();
  const auto authority = origin_.authority();
  const services::PlainRequest plain{
      .method = head_.method_text,
      .scheme = origin_.tls ? "https" : "http",
      .authority = authority,
      .target = target,
      .fields = head->headers.all(),
      .body = whole_body_ ? std::string_view(*whole_body_) : std::string_view()};
  auto shown = services::render_request(plain, decision_.service, agent_->policy.credentials());
  if (!shown) co_return fail(shown.error());
  co_return ApprovalRequest{.agent = id_,
                            .digest = services::request_digest(plain),
                            .scope = std::string(decision_.scope),
                            .target = decision_.target,
                            .shown = std::move(*shown)};
}

// Takes the newest policy: an agent that lost the scope while it waited does not get through.
Task<bool> Exchange::decide_anew() {
  auto next = shared_.agent(id_);
  if (!next) {
    decision_.allowed = false;
    decision_.layer = services::Layer::kClient;
    decision_.reason = "this agent has no valid policy";
    co_return false;
  }
  // The decision has views into the policy it was made by.
  const auto before = std::exchange(agent_, std::move(next));
  const bool allowed = co_await decide();
  co_return allowed;
}

Task<std::optional<bool>> Exchange::approve() {
  if (approval_ || !needs_approval()) co_return std::nullopt;
  auto request = co_await show();
  if (!request) {
    // A connection that broke off while it was read.
    if (request.error().reason.empty()) co_return false;
    const bool ours = request.error().reason.starts_with("approval");
    const bool goes_on = co_await refuse(std::move(request.error()), ours ? "approval" : "secrets");
    co_return goes_on;
  }
  reader_.stream().clear_deadline();
  ApprovalHold hold(*shared_.approvals, std::move(*request), whole_body_ ? whole_body_->size() : 0);
  holding_ = &hold;
  auto ended = co_await wait_for_a_person(hold);
  holding_ = nullptr;
  co_return ended;
}

Task<std::optional<bool>> Exchange::wait_for_a_person(ApprovalHold& hold) {
  const auto deadline = std::chrono::steady_clock::now() + shared_.deadlines.approval;
  State state = State::kInterrupted;
  while (state == State::kInterrupted && !agent_gone_) {
    state = co_await hold.decided(deadline);
    if (state != State::kInterrupted && state != State::kUsed) break;
    if (state == State::kUsed) grant_hold_ = hold.number();
    const bool allowed = co_await decide_anew();
    if (!allowed) {
      const bool goes_on = co_await refuse_by_policy();
      co_return goes_on;
    }
    if (state == State::kUsed) {
      approval_ = hold.id();
      co_return std::nullopt;
    }
    if (!needs_approval()) co_return std::nullopt;
  }
  if (state == State::kPending || (state == State::kInterrupted && hold.id() != ApprovalId())) {
    const bool goes_on = co_await tell_pending(hold);
    co_return goes_on;
  }
  if (state == State::kLimited && hold.limit()) {
    const bool goes_on = co_await refuse_by_limit(*hold.limit());
    co_return goes_on;
  }
  auto error = not_granted(state);
  const bool goes_on = co_await refuse(std::move(error), "approval");
  co_return goes_on;
}

// 202: nothing has been sent yet, and sending the same again is the way to go on.
Task<bool> Exchange::tell_pending(const ApprovalHold& hold) {
  auto details = metadata();
  details["layer"] = "approval";
  details["reason"] = "approval_pending";
  details["approvalId"] = json_text(hold.id().to_string());
  shared_.trail.event(id_, {{"actionType", json_text(decision_.action_type)},
                            {"target", json_text(decision_.target)},
                            {"outcome", "denied"},
                            {"metadata", std::move(details)}});
  const json::object problem{{"type", "/problems/approval_pending"},
                             {"title", "Waiting for a person"},
                             {"status", 202},
                             {"code", "approval_pending"},
                             {"detail",
                              "A person has to allow this request, and has been asked. It has not "
                              "been sent. Send the same "
                              "request again to wait on; any other byte is another request."},
                             {"requestId", json_text(request_id_)},
                             {"layer", "approval"},
                             {"scope", json_text(decision_.scope)},
                             {"approvalId", json_text(hold.id().to_string())},
                             {"expiresAt", json_text(format_time(hold.expires_at()))},
                             {"retryAfter", kAskAgainSeconds}};
  auto response = http::json_response(202, problem);
  response.headers.set("Content-Type", "application/problem+json");
  response.headers.add("Retry-After", std::to_string(kAskAgainSeconds));
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

// A yes lets one request out: one of which nothing was sent has not used it.
void Exchange::give_grant_back() {
  if (left_ || grant_hold_ == 0) return;
  shared_.approvals->give_back(std::exchange(grant_hold_, 0));
}

void Exchange::end_hold() {
  if (holding_ == nullptr) return;
  agent_gone_ = true;
  holding_->interrupt();
}

}  // namespace deployclaw::egress
