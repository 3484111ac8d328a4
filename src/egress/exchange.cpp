#include "egress/exchange.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "egress/forward_head.hpp"
#include "egress/token_renewer.hpp"
#include "http/ascii.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "scrub/finder.hpp"

// The first half of an exchange: until it is clear that the request may leave.
namespace deployclaw::egress {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kSmallBody = 32UL * 1024;
constexpr std::size_t kLongestPath = 1024;  // in the audit log
constexpr std::size_t kMostRenewals = 4;    // for one request

}  // namespace

std::string Origin::authority() const {
  return port == default_port() ? host : fmt::format("{}:{}", host, port);
}

Exchange::Exchange(WorkerShared& shared, AgentId agent, StreamReader& reader,
                   std::optional<Origin> fixed)
    : shared_(shared),
      id_(agent),
      agent_(shared.agent(agent)),
      reader_(reader),
      fixed_(std::move(fixed)),
      body_share_(shared.model_bodies),
      began_(std::chrono::steady_clock::now()) {}

Exchange::~Exchange() {
  give_grant_back();
  wipe_string(head_text_);
  if (whole_body_) wipe_string(*whole_body_);
}

Task<bool> Exchange::run() {
  const auto text = reader_.take_head_now(kMostHead);
  if (!text) return wait_for_head();
  reader_.stream().clear_deadline();
  return begin(*text);
}

Task<bool> Exchange::wait_for_head() {
  reader_.stream().set_deadline(shared_.deadlines.head);
  const auto text = co_await reader_.take_head(kMostHead);
  reader_.stream().clear_deadline();
  auto begun = begin(text);
  const bool goes_on = co_await std::move(begun);
  co_return goes_on;
}

Task<bool> Exchange::begin(const Result<std::string_view>& text) {
  if (!text && text.error().code == Code::kTooLarge) return refuse_large_head();
  if (!text || text->empty()) return hang_up();
  auto head = http::parse_request_head(*text);
  return head ? run(std::move(*head)) : refuse_malformed(std::move(head.error()));
}

Task<bool> Exchange::refuse_large_head() {
  head_.keep_alive = false;
  auto response = http::problem_with_status(431, "head_too_large",
                                            "The request's head is larger than 64 KiB.", "");
  const bool goes_on = co_await answer(std::move(response));
  co_return goes_on;
}

Task<bool> Exchange::hang_up() { co_return false; }

Task<bool> Exchange::run(http::RequestHead head) {
  began_ = std::chrono::steady_clock::now();
  request_id_ = shared_.request_ids.next();
  head_ = std::move(head);
  body_.emplace(reader_, head_.framing);
  websocket_ = asks_for_websocket(head_);
  if (agent_ == nullptr) {
    return refuse({.code = Code::kForbidden,
                   .message = "no policy",
                   .reason = "egress_denied",
                   .public_detail = "This agent has no valid policy."},
                  "client");
  }
  if (auto found = find_origin(); !found) return refuse(std::move(found.error()), "http");
  const bool decided = decide_by_head();
  if (!decided || must_wait()) return wait_and_forward(decided);
  return decision_.allowed ? inject_and_forward() : refuse_by_policy();
}

// Of a request that is not allowed nothing more is looked at.
bool Exchange::must_wait() const {
  return decision_.allowed && (has_small_body() || needs_approval() || is_model_call() ||
                               credential_to_renew().has_value());
}

Task<bool> Exchange::wait_and_forward(bool decided) {
  if (!decided) co_await decide_by_body();
  if (!decision_.allowed) {
    const bool goes_on = co_await refuse_by_policy();
    co_return goes_on;
  }
  if (has_small_body()) {
    const auto read = co_await read_whole_body(kMostWholeBody);
    if (!read) co_return false;
  }
  name_target();
  auto ended = co_await approve();
  if (ended) co_return *ended;
  auto priced = co_await price_model_call();
  if (!priced) {
    const bool goes_on = co_await refuse(std::move(priced.error()), "spend");
    co_return goes_on;
  }
  auto renewed = co_await renew_tokens();
  if (!renewed) {
    const bool goes_on = co_await refuse(std::move(renewed.error()), "secrets");
    co_return goes_on;
  }
  if (!decision_.allowed) {  // by the policy that came with the new token
    const bool goes_on = co_await refuse_by_policy();
    co_return goes_on;
  }
  ended = co_await approve();  // that policy may be the first to ask for it
  if (ended) co_return *ended;
  auto forwarded = inject_and_forward();
  const bool goes_on = co_await std::move(forwarded);
  co_return goes_on;
}

Task<bool> Exchange::inject_and_forward() {
  if (auto injected = inject(); !injected) return refuse(std::move(injected.error()), "secrets");
  return forward();
}

// SNI or CONNECT authority, the target's authority and Host must all say the same.
Status Exchange::find_origin() {
  // To an origin it would ask for a tunnel of its own, to wherever that leads.
  if (head_.method_text == "CONNECT") {
    return fail(Code::kMalformed, "malformed_request",
                "CONNECT is for the proxy, once, with a host and a port.");
  }
  auto target = http::canonical_target(head_.target);
  if (!target) return fail(target.error());
  target_ = std::move(*target);
  path_ = target_.path.substr(0, kLongestPath);
  const auto mismatch = [](std::string detail) {
    return fail(Code::kForbidden, "authority_mismatch", std::move(detail));
  };
  if (fixed_) {
    origin_ = *fixed_;
  } else if (target_.authority) {
    const auto& authority = *target_.authority;
    origin_.host = authority.host;
    origin_.tls = target_.https;
    origin_.port = authority.port_or(origin_.default_port());
  } else {
    return fail(Code::kMalformed, "absolute_form_required",
                "A request to the proxy must name its whole URL.");
  }
  if (target_.authority && (target_.authority->host != origin_.host ||
                            target_.authority->port_or(origin_.default_port()) != origin_.port)) {
    return mismatch("The request's target names another host than the connection.");
  }
  const auto host = http::parse_authority(head_.headers.get("host").value_or(""));
  if (!host) return fail(host.error());
  if (host->host != origin_.host || host->port_or(origin_.default_port()) != origin_.port) {
    return mismatch("The Host field names another host than the connection.");
  }
  // Nobody sends "https://" to a proxy without CONNECT; the secret would go in the clear to us.
  if (!fixed_ && origin_.tls) {
    return fail(Code::kMalformed, "connect_required", "Use CONNECT for https.");
  }
  return {};
}

services::RequestFacts Exchange::facts(const json::value* body) const {
  return {.host = origin_.host,
          .port = origin_.port,
          .tls = origin_.tls,
          .method = head_.method_text,
          .path = target_.path,
          .query = target_.query ? std::string_view(*target_.query) : std::string_view(),
          .websocket = websocket_,
          .body = body};
}

bool Exchange::decide_by_head() {
  decision_ = agent_->policy.decide(facts(nullptr));
  return !decision_.needs_body && !services::injects_body(decision_.injections);
}

Task<bool> Exchange::decide() {
  if (decide_by_head()) {
    name_target();  // of a body that was read before a renewal or an approval
  } else {
    co_await decide_by_body();
  }
  co_return decision_.allowed;
}

Task<void> Exchange::decide_by_body() {
  if (!whole_body_) {
    const auto whole = co_await read_whole_body(kMostWholeBody);
    if (!whole) {
      decision_.allowed = false;
      decision_.reason = whole.error().public_detail;
      co_return;
    }
  }
  if (decision_.needs_body) {
    const auto parsed = http::parse_json(*whole_body_);
    const json::value body = parsed ? *parsed : json::value();
    decision_ = agent_->policy.decide(facts(&body));
  }
  name_target();
}

// Answers "Expect: 100-continue", once.
Task<Status> Exchange::ask_for_body() {
  if (!std::exchange(head_.expect_continue, false)) co_return Status{};
  auto asked = co_await write_rest(reader_.stream(), "HTTP/1.1 100 Continue\r\n\r\n");
  co_return asked;
}

Task<Status> Exchange::read_whole_body(std::size_t most) {
  std::string whole;
  auto buffer = shared_.buffers.take();
  auto asked = co_await ask_for_body();
  if (!asked) co_return asked;
  reader_.stream().set_deadline(shared_.deadlines.body);
  while (true) {
    const auto got = co_await body_->read(buffer.data(), BufferPool::kRoom);
    if (!got) co_return fail(got.error());
    if (*got == 0) break;
    if (whole.size() + *got > most) {
      co_return fail(Code::kTooLarge, "body_too_large",
                     fmt::format("This request is decided by its body, which may have {} MiB at "
                                 "most.",
                                 most >> 20U));
    }
    if (most > kMostWholeBody && !body_share_.take(*got)) {
      co_return fail(Code::kUnavailable, "too_many_bodies",
                     "Too many large model calls of this account are under way.");
    }
    whole.append(buffer.data(), *got);
  }
  reader_.stream().clear_deadline();
  // They are not passed on with a body that has a length, but told all the same.
  if (auto good = check_trailers(); !good) co_return good;
  whole_body_ = std::move(whole);
  co_return Status{};
}

// A small body is looked through before any of its request leaves; a longer one is on its way.
bool Exchange::has_small_body() const {
  const auto& framing = head_.framing;
  const bool small = framing.kind == http::BodyFraming::Kind::kLength && framing.length > 0 &&
                     framing.length <= kSmallBody;
  return small && !whole_body_ && !is_model_call();
}

// Whom or what the request is about, as far as its body tells.
void Exchange::name_target() {
  if (!whole_body_) return;
  const auto type = head_.headers.get("content-type").value_or("");
  decision_.target = agent_->policy.name_target(decision_, facts(nullptr),
                                                {.content_type = type, .bytes = *whole_body_});
}

bool Exchange::wants_renewal(std::string_view credential) const {
  const auto* held = agent_->find(credential);
  if (held == nullptr) return false;
  const auto validity = validity_of(*held, shared_.clock.now());
  if (validity == Validity::kEnding) return held->renewable() && !tried_.contains(credential);
  return validity == Validity::kEnded;
}

// Not every credential that may go to this host is in this request. Which are is found by putting
// them in, into a copy and with nothing secret: up to the first that has no token to be sent.
std::optional<std::string> Exchange::credential_to_renew() const {
  const bool any = std::ranges::any_of(decision_.injections, [&](const auto& injection) {
    return wants_renewal(injection.credential->name);
  });
  if (!any) return std::nullopt;
  static const Secret kStandIn = Secret::copy_of("stand-in");
  std::optional<std::string> found;
  const services::SecretSource source = [&](std::string_view name) -> const Secret* {
    if (!wants_renewal(name)) return &kStandIn;
    found = name;
    return nullptr;
  };
  auto head = head_;
  auto target = target_;
  const auto all = agent_->policy.credentials();
  const auto tried = services::inject_head(head, target, decision_.injections, all, source);
  if (tried && whole_body_) {
    auto body = *whole_body_;
    (void)services::inject_body(body, decision_.injections, all, source);
  }
  return found;
}

// Afterwards the request is decided by the policy of the newest token.
Task<Status> Exchange::renew_tokens() {
  for (std::size_t i = 0; i < kMostRenewals; ++i) {
    const auto name = credential_to_renew();
    if (!name) co_return Status{};
    tried_.insert(*name);
    auto copy = *name;
    auto renewed = co_await shared_.renewer->renew(id_, std::move(copy));
    if (!renewed) {
      const auto* held = agent_->find(*name);
      if (validity_of(*held, shared_.clock.now()) == Validity::kEnded) {
        refusal_ = {{"credential", json::string(*name)},
                    {"cause", json::string(renewed.error().detail_key)}};
        co_return renewed;
      }
      continue;
    }
    auto next = shared_.agent(id_);
    if (!next) co_return fail(Code::kForbidden, "egress_denied", "This agent has no valid policy.");
    agent_ = std::move(next);
    const bool allowed = co_await decide();
    if (!allowed) co_return Status{};
  }
  co_return fail(Code::kUnavailable, "credential_expired",
                 "The request's credentials expire faster than they are renewed.");
}

// A real secret that the agent got hold of somewhere must not leave by its hand.
Status Exchange::check_for_secrets() const {
  const auto& context = *agent_;
  auto found = scrub::find_in(*context.response_patterns, head_.target);
  for (const auto& [name, value] : head_.headers.all()) {
    if (found) break;
    found = scrub::find_in(*context.response_patterns, value);
    if (!found) found = scrub::find_in(*context.response_patterns, name);
  }
  if (found) {
    return fail(
        Code::kForbidden, "secret_in_request",
        "The request holds the real value of the credential " + context.name_of(found->id) + ".");
  }
  return {};
}

Status Exchange::inject() {
  if (auto clean = check_for_secrets(); !clean) return clean;
  const auto& context = *agent_;
  const auto now = shared_.clock.now();
  const services::SecretSource source = [&](std::string_view name) {
    return context.secret(name, now);
  };
  auto injected = services::inject_head(head_, target_, decision_.injections,
                                        context.policy.credentials(), source);
  if (!injected) return fail(injected.error());
  injected_ = std::move(*injected);
  if (whole_body_) {
    const bool injects = services::injects_body(decision_.injections);
    const auto& forbidden = injects ? context.response_patterns : context.request_patterns;
    if (const auto finding = scrub::find_in(*forbidden, *whole_body_)) {
      return fail(context.misplaced(finding->id, "The request's body"));
    }
    auto more = services::inject_body(*whole_body_, decision_.injections,
                                      context.policy.credentials(), source);
    if (!more) return fail(more.error());
    injected_.insert(injected_.end(), more->begin(), more->end());
  }
  const auto length = whole_body_ && head_.framing.kind != http::BodyFraming::Kind::kNone
                          ? std::optional(whole_body_->size())
                          : std::nullopt;
  head_text_ = request_head(head_, target_, origin_.authority(), websocket_, length);
  for (const auto& [name, value] : head_.headers.all()) {
    if (http::equals_ignoring_case(name, "connection")) connection_fields_.add(name, value);
  }
  services::wipe_injected(head_, target_);
  return {};
}

}  // namespace deployclaw::egress
