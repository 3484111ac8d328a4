#include "services/test_call.hpp"

#include <algorithm>

#include "domain/names.hpp"
#include "http/json_body.hpp"

namespace deployclaw::services {

using domain::TestReason;

namespace {

bool contains(std::span<const std::int64_t> statuses, int status) {
  return std::ranges::find(statuses, std::int64_t{status}) != statuses.end();
}

}  // namespace

const Place& test_place(const CredentialKind& kind) { return kind.places.at(kind.test->place); }

TestRequest test_request(const CredentialKind& kind, const AgentCredential& credential) {
  const auto& call = *kind.test;
  TestRequest request;
  request.target.path = call.path;
  request.target.query = call.query;
  request.head.method_text = call.method;
  request.head.method = http::parse_method(call.method);
  auto& headers = request.head.headers;
  headers.add("User-Agent", "DeployClaw");
  headers.add("Accept", "application/json");
  for (const auto& [name, value] : call.headers) headers.set(name, value);
  const auto& place = test_place(kind);
  if (place.kind == PlaceKind::kPathSegment) {
    auto& path = request.target.path;
    path.replace(path.find(kSecretMark), kSecretMark.size(), credential.placeholder);
  } else {
    headers.add(place.name, place.prefix + credential.placeholder);
  }
  return request;
}

const TestCall* test_for(const CredentialKind& kind, std::span<const std::string> hosts) {
  if (!kind.test) return nullptr;
  const bool bound = std::ranges::any_of(hosts, [&](const std::string& pattern) {
    return domain::host_matches(pattern, kind.test->host);
  });
  return bound ? &*kind.test : nullptr;
}

bool judges_body(const TestCall& call, int status) {
  return contains(call.accepted, status) && (call.accepted_body || call.refused_body);
}

TestReason judge(const TestCall& call, int status, std::string_view body) {
  if (judges_body(call, status)) {
    const auto parsed = http::parse_json(body);
    if (!parsed) return TestReason::kUnexpectedAnswer;
    if (call.refused_body && call.refused_body->holds(*parsed)) return TestReason::kRejected;
    const bool good = !call.accepted_body || call.accepted_body->holds(*parsed);
    return good ? TestReason::kAccepted : TestReason::kUnexpectedAnswer;
  }
  if (contains(call.accepted, status)) return TestReason::kAccepted;
  if (contains(call.refused, status)) return TestReason::kRejected;
  if (status == 403) return TestReason::kNotAllowed;
  if (status == 429) return TestReason::kRateLimited;
  return status >= 500 ? TestReason::kServiceTrouble : TestReason::kUnexpectedAnswer;
}

}  // namespace deployclaw::services
