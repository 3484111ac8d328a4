// POST /api/agents/:id/credentials/:name/test. The value is in the vault and in the client's egress
// worker only, so the call is egress's: here it is asked for, waited for, and put into words.
#include "services/test_call.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/agents/lifecycle.hpp"
#include "api/credentials/credentials.hpp"
#include "api/rendering/bind.hpp"
#include "api/rendering/json_text.hpp"
#include "store/credential_tests.hpp"
#include "store/credentials.hpp"

namespace deployclaw::api::credentials {
namespace {

using domain::TestReason;

constexpr std::chrono::milliseconds kFirstLook{50};
constexpr std::chrono::milliseconds kLongestPause{250};
// A little longer than the database lets one wait.
constexpr std::chrono::seconds kMostWait{35};

// What a person reads, and what to do next; {} is the service.
std::string_view words_of(TestReason reason) {
  switch (reason) {
    case TestReason::kAccepted:
      return "{} accepts this credential.";
    case TestReason::kRejected:
      return "{} refuses this credential. Check that it was copied whole and is not revoked, then "
             "replace it.";
    case TestReason::kRenewalRefused:
      return "The access token has ended and {} refuses to renew it. Connect the account again and "
             "replace the credential.";
    case TestReason::kUpstreamUnreachable:
      return "{} cannot be reached from here. Try again in a moment.";
    case TestReason::kUpstreamTimeout:
      return "{} did not answer in time. Try again in a moment.";
    case TestReason::kUpstreamAddress:
      return "The name of {} leads to an address that is not of the public internet, so nothing "
             "was "
             "sent. Tell whoever operates this platform.";
    case TestReason::kUpstreamCertificate:
      return "{} shows a certificate that does not verify, so nothing was sent. Tell whoever "
             "operates this platform.";
    case TestReason::kUpstreamFailed:
      return "The connection to {} broke off. Try again in a moment.";
    case TestReason::kRenewalFailed:
      return "The access token has ended and {} cannot renew it now. Try again in a moment.";
    case TestReason::kEgressSilent:
      return "The gateway did not answer within 30 seconds, so {} was perhaps not asked. Try "
             "again; "
             "if it stays so, tell whoever operates this platform.";
    case TestReason::kNotAllowed:
      return "{} knows this credential and does not let it do what the test asks. It may still "
             "work "
             "for what the agent does; check what it was given rights to.";
    case TestReason::kRateLimited:
      return "{} takes no more requests with this credential for now. Try again later.";
    case TestReason::kServiceTrouble:
      return "{} has trouble of its own, which says nothing of the credential. Try again later.";
    case TestReason::kUnexpectedAnswer:
      return "{} answered something unexpected, which says nothing of the credential.";
    case TestReason::kNoPolicy:
      return "The gateway does not serve this agent yet, so {} was not asked. Try again once it is "
             "deployed.";
    case TestReason::kCredentialGone:
      return "The credential was changed meanwhile, so {} was not asked. Test it again.";
    case TestReason::kCredentialUnfit:
      return "The value has characters that cannot be sent to {}. Replace it.";
    case TestReason::kAuditUnavailable:
      return "The audit log could not be written in time, so {} was not asked. Try again in a "
             "moment.";
    case TestReason::kBusy:
      return "The gateway is busy, so {} was not asked. Try again in a moment.";
  }
  return "{} gave no verdict.";
}

http::Response verdict_response(const store::TestAnswer& answer, std::string_view service) {
  JsonText out;
  out.begin_object();
  out.key("verdict").string(domain::to_string(domain::verdict_of(answer.reason)));
  out.key("reason").string(domain::to_string(answer.reason));
  out.key("status");
  if (answer.status) {
    out.number(*answer.status);
  } else {
    out.null();
  }
  out.key("message").string(fmt::format(fmt::runtime(words_of(answer.reason)), service));
  out.key("testedAt").string(answer.answered_at);
  out.end_object();
  return json_text_response(200, std::move(out));
}

// 429 with this limit's own fields.
http::Response too_many_tests(std::int64_t retry_after_seconds, std::string_view request_id) {
  const auto seconds = std::clamp<std::int64_t>(retry_after_seconds, 1, 60);
  const Error error{.code = Code::kRateLimited,
                    .message = "too many tests of credentials",
                    .reason = "too_many_tests",
                    .public_detail = fmt::format(
                        "Credentials can be tested {} times a minute. Try again in {} s.",
                        store::kTestsPerMinute, seconds),
                    .retry_after_seconds = static_cast<int>(seconds)};
  auto response = to_problem(error, request_id);
  response.headers.set("RateLimit-Policy",
                       fmt::format("\"credential-tests\";q={};w=60", store::kTestsPerMinute));
  response.headers.set("RateLimit", fmt::format("\"credential-tests\";r=0;t={}", seconds));
  return response;
}

// The kind of a credential that can be tested.
Result<const services::CredentialKind*> testable_kind(const services::Catalogue& catalogue,
                                                      const store::StoredCredential& credential) {
  const auto* kind = catalogue.find_kind(credential.kind);
  if (kind == nullptr || !kind->test) {
    return fail(Code::kInvalid, "test_not_offered",
                "There is no test call for credentials of the kind " + credential.kind + ".");
  }
  if (services::test_for(*kind, credential.hosts) == nullptr) {
    return fail(
        Code::kInvalid, "test_not_offered",
        "This credential may not be sent to " + kind->test->host + ", where its kind is tested.");
  }
  return kind;
}

Task<Result<store::TestAnswer>> wait_for_answer(Services& services, ClientId client,
                                                CredentialTestId test) {
  const auto end = std::chrono::steady_clock::now() + kMostWait;
  for (auto pause = kFirstLook; std::chrono::steady_clock::now() < end;
       pause = std::min(2 * pause, kLongestPause)) {
    const bool slept = co_await sleep_for(pause);
    if (!slept) co_return fail(Code::kCancelled, "stopped while a test was waited for");
    auto answer = co_await store::find_test_answer(services.db, client, test);
    if (!answer) co_return fail(std::move(answer.error()));
    if (*answer) co_return std::move(**answer);
  }
  co_return fail(Code::kUnavailable, "a test of a credential did not end");
}

}  // namespace

Task<Result<http::Response>> test(Services& services, Principal principal, http::Request request) {
  const auto id = agent_of(request);
  if (!id) co_return fail(id.error());
  if (auto good = expect_no_fields(request); !good) co_return fail(std::move(good.error()));
  const std::string name(request.param("name"));
  const std::string request_id = request.id;

  auto tx = co_await services.db.begin(principal.client);
  if (!tx) co_return fail(std::move(tx.error()));
  const auto agent = co_await agents::lock_for_change(*tx, *id, std::move(request));
  if (!agent) co_return fail(agent.error());
  const auto credential = co_await store::find_credential(*tx, *id, name);
  if (!credential) co_return fail(credential.error());
  if (!*credential) co_return no_such_credential();
  const auto kind = testable_kind(services.service_catalogue, **credential);
  if (!kind) co_return fail(kind.error());
  const auto recent = co_await store::lock_recent_tests(*tx, principal.client, *id, name);
  if (!recent) co_return fail(recent.error());
  if (recent->same_runs) {
    co_return fail(Code::kConflict, "test_running",
                   "This credential is being tested; wait for the answer.");
  }
  if (recent->in_last_minute >= store::kTestsPerMinute) {
    co_return too_many_tests(recent->retry_after_seconds, request_id);
  }
  const auto asked = co_await store::insert_test(*tx, principal.client, *id, name, principal.user);
  if (!asked) co_return fail(asked.error());
  const auto committed = co_await tx->commit();
  if (!committed) co_return fail(committed.error());

  const auto answer = co_await wait_for_answer(services, principal.client, *asked);
  if (!answer) co_return fail(answer.error());
  const auto* service = services.service_catalogue.find_service((*kind)->service);
  co_return verdict_response(*answer, service->title);
}

}  // namespace deployclaw::api::credentials
