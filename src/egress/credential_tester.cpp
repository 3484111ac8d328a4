#include "egress/credential_tester.hpp"

#include <algorithm>

#include "egress/forward_head.hpp"
#include "egress/json_text.hpp"
#include "egress/small_answer.hpp"
#include "egress/token_renewer.hpp"
#include "services/injection.hpp"

namespace deployclaw::egress {

namespace json = boost::json;
using domain::TestReason;

namespace {

// Upstreams::dial's public reasons.
TestReason reason_of(const Error& dialled) {
  if (dialled.reason == "upstream_address") return TestReason::kUpstreamAddress;
  if (dialled.reason == "upstream_certificate") return TestReason::kUpstreamCertificate;
  if (dialled.reason == "upstream_timeout") return TestReason::kUpstreamTimeout;
  return TestReason::kUpstreamUnreachable;
}

const services::AgentCredential* find_credential(const AgentContext& context,
                                                 std::string_view name) {
  const auto all = context.policy.credentials();
  const auto found = std::ranges::find(all, name, &services::AgentCredential::name);
  return found == all.end() ? nullptr : &*found;
}

// The whole request with the secret in it; to be wiped.
Result<std::string> request_text(const AgentContext& context,
                                 const services::AgentCredential& credential,
                                 const services::CredentialKind& kind, Time now) {
  auto [head, target] = services::test_request(kind, credential);
  const services::Injection injection{.credential = &credential,
                                      .place = &services::test_place(kind)};
  const services::SecretSource source = [&](std::string_view name) {
    return context.secret(name, now);
  };
  const auto injected =
      services::inject_head(head, target, {&injection, 1}, context.policy.credentials(), source);
  if (!injected) return fail(injected.error());
  const auto length =
      head.method == http::Method::kPost ? std::optional(std::size_t{0}) : std::nullopt;
  auto text = request_head(head, target, kind.test->authority(), false, length);
  services::wipe_injected(head, target);
  return text;
}

}  // namespace

CredentialTester::CredentialTester(WorkerShared& shared, Tell tell)
    : shared_(shared), tell_(std::move(tell)), tasks_(shared.executor) {}

void CredentialTester::test(TestMessage message) {
  if (running_ >= kMostAtOnce) {
    tell_({.id = message.id, .reason = TestReason::kBusy});
    return;
  }
  ++running_;
  tasks_.spawn("test a credential", run(std::move(message)));
}

Task<void> CredentialTester::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

Task<void> CredentialTester::run(TestMessage message) {
  const auto id = message.id;
  const auto outcome = co_await try_out(std::move(message));
  --running_;
  tell_({.id = id, .reason = outcome.reason, .status = static_cast<std::uint16_t>(outcome.status)});
}

Task<CredentialTester::Outcome> CredentialTester::try_out(TestMessage message) {
  const Deadline deadline = std::chrono::steady_clock::now() + kMostPreparation;
  auto why_not = TestReason::kNoPolicy;
  auto name = message.credential;
  const auto context = co_await ready(message.agent, std::move(name), why_not);
  if (!context) co_return Outcome{.reason = why_not};
  const auto* credential = find_credential(**context, message.credential);
  const auto* kind = (*context)->policy.catalogue().find_kind(credential->kind);
  const auto* test = services::test_for(*kind, credential->hosts);
  if (test == nullptr) co_return Outcome{.reason = TestReason::kCredentialGone};

  // The log gets both by one name: the database knows by it who asked.
  const json::object about{{"testId", message.id.to_string()},
                           {"credential", json_text(credential->name)},
                           {"kind", json_text(kind->name)},
                           {"host", json_text(test->host)}};
  const json::object what{{"actionType", "credential_tested"},
                          {"target", json_text(test->authority())},
                          {"metadata", about}};
  auto intent = shared_.trail.intend(message.agent, what);
  const auto outcome = co_await call(**context, *credential, *kind, intent, deadline);
  const auto verdict = domain::verdict_of(outcome.reason);
  auto told = what;
  auto& details = told["metadata"].get_object();
  details["verdict"] = json_text(domain::to_string(verdict));
  details["reason"] = json_text(domain::to_string(outcome.reason));
  if (outcome.status != 0) details["status"] = outcome.status;
  told["outcome"] = verdict == domain::TestVerdict::kAccepted ? "success" : "failure";
  intent.finish(told);
  co_return outcome;
}

Task<Result<std::shared_ptr<const AgentContext>>> CredentialTester::ready(AgentId agent,
                                                                          std::string credential,
                                                                          TestReason& why_not) {
  const auto now_held = [&](const std::shared_ptr<const AgentContext>& context) {
    why_not = context && context->policy.client_active() ? TestReason::kCredentialGone
                                                         : TestReason::kNoPolicy;
    return why_not == TestReason::kNoPolicy ? nullptr : context->find(credential);
  };
  auto context = shared_.agent(agent);
  const auto* held = now_held(context);
  if (held == nullptr) co_return fail(Code::kNotFound, "no such credential");
  const auto validity = validity_of(*held, shared_.clock.now());
  if (validity == Validity::kGood || (validity == Validity::kEnding && !held->renewable())) {
    co_return context;
  }
  auto name = credential;
  const auto renewed = co_await shared_.renewer->renew(agent, std::move(name));
  if (!renewed && validity == Validity::kEnded) {
    const bool for_good = renewed.error().code == Code::kForbidden;
    why_not = for_good ? TestReason::kRenewalRefused : TestReason::kRenewalFailed;
    co_return fail(renewed.error());
  }
  context = shared_.agent(agent);
  if (now_held(context) == nullptr) co_return fail(Code::kNotFound, "no such credential");
  co_return context;
}

Task<CredentialTester::Outcome> CredentialTester::call(const AgentContext& context,
                                                       const services::AgentCredential& credential,
                                                       const services::CredentialKind& kind,
                                                       AuditTrail::Intent& intent,
                                                       Deadline deadline) {
  const auto durable = co_await intent.durable();
  if (!durable || std::chrono::steady_clock::now() > deadline) {
    co_return Outcome{.reason = TestReason::kAuditUnavailable};
  }
  const auto& test = *kind.test;
  UpstreamKey where{.host = test.host, .port = test.port, .tls = true};
  auto upstream = co_await shared_.upstreams.dial(std::move(where));
  if (!upstream) co_return Outcome{.reason = reason_of(upstream.error())};
  auto request = request_text(context, credential, kind, shared_.clock.now());
  if (!request) co_return Outcome{.reason = TestReason::kCredentialUnfit};
  upstream->stream->set_deadline(kMostTalk);
  const auto outcome = co_await talk(*upstream, test, http::parse_method(test.method), *request);
  wipe_string(*request);
  upstream->stream->close();
  co_return outcome;
}

Task<CredentialTester::Outcome> CredentialTester::talk(Upstream& upstream,
                                                       const services::TestCall& call,
                                                       http::Method method,
                                                       std::string_view request) {
  StreamReader reader(*upstream.stream);
  const auto head = co_await ask_upstream(reader, request, method);
  if (!head) {
    const bool malformed = head.error().detail_key == "answer_malformed";
    co_return Outcome{.reason =
                          malformed ? TestReason::kUnexpectedAnswer : TestReason::kUpstreamFailed};
  }
  std::string body;
  if (services::judges_body(call, head->status)) {
    auto read = co_await read_small_body(reader, head->framing, kMostBody);
    if (!read) {
      co_return Outcome{.reason = TestReason::kUnexpectedAnswer, .status = head->status};
    }
    body = std::move(*read);
  }
  const auto reason = services::judge(call, head->status, body);
  wipe_string(body);
  co_return Outcome{.reason = reason, .status = head->status};
}

}  // namespace deployclaw::egress
