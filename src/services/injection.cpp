#include "services/injection.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"
#include "services/inject_header.hpp"
#include "services/inject_target.hpp"

namespace deployclaw::services {
namespace {

// With these a server takes another method or path than the one that was decided upon.
Status check_overrides(const http::Headers& headers) {
  constexpr std::array<std::string_view, 6> kOverrides = {
      "x-http-method-override", "x-http-method", "x-method-override",
      "x-original-url",         "x-rewrite-url", "x-original-uri"};
  for (const auto& [name, value] : headers.all()) {
    const auto overrides = [&field = name](std::string_view other) {
      return http::equals_ignoring_case(field, other);
    };
    if (std::ranges::any_of(kOverrides, overrides)) {
      return fail(Code::kForbidden, "method_override",
                  "The field " + name + " asks for another request than the one that is seen.");
    }
  }
  return {};
}

// A field that may be there once only must not carry a secret and a decoy.
Status check_single(const http::Headers& headers, std::string_view name, const HeaderPlan& plan) {
  if (plan.parts.empty() || headers.count(name) == 1) return {};
  return misplaced(*plan.parts.front().injection->credential,
                   std::string(name) + " header, which is there twice");
}

Status check_value(const Injection& injection, const SecretSource& secrets) {
  const auto secret = value_of(injection, secrets);
  if (!secret) return fail(secret.error());
  return check_fit(*injection.place, (*secret)->expose_text());
}

template <class Parts>
Status check_values(const Parts& parts, const SecretSource& secrets, Injected& used) {
  for (const auto& part : parts) {
    auto good = check_value(*part.injection, secrets);
    if (!good) return good;
    note(used, *part.injection);
  }
  return {};
}

Result<std::vector<HeaderPlan>> plan_headers(const http::Headers& headers,
                                             std::span<const Injection> injections,
                                             std::span<const AgentCredential> all) {
  std::vector<HeaderPlan> plans;
  plans.reserve(headers.all().size());
  for (const auto& [name, value] : headers.all()) {
    auto plan = plan_header(name, value, injections, all);
    if (!plan) return fail(std::move(plan.error()));
    auto single = check_single(headers, name, *plan);
    if (!single) return fail(std::move(single.error()));
    plans.push_back(std::move(*plan));
  }
  return plans;
}

void apply_headers(http::Headers& headers, const std::vector<HeaderPlan>& plans,
                   const SecretSource& secrets) {
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].parts.empty()) continue;
    headers.replace_value(i, apply_header(plans[i], headers.all()[i].second, secrets));
  }
}

}  // namespace

Result<Injected> inject_head(http::RequestHead& head, http::CanonicalTarget& target,
                             std::span<const Injection> injections,
                             std::span<const AgentCredential> all, const SecretSource& secrets) {
  auto good = check_overrides(head.headers);
  if (!good) return fail(std::move(good.error()));
  const auto headers = plan_headers(head.headers, injections, all);
  if (!headers) return fail(headers.error());
  const auto plan = plan_target(target, injections, all);
  if (!plan) return fail(plan.error());

  Injected used;
  for (const auto& header : *headers) {
    good = check_values(header.parts, secrets, used);
    if (!good) return fail(std::move(good.error()));
  }
  if (plan->path) good = check_values(std::array{*plan->path}, secrets, used);
  if (good) good = check_values(plan->query, secrets, used);
  if (!good) return fail(std::move(good.error()));
  if (used.empty()) return used;
  apply_headers(head.headers, *headers, secrets);
  apply_target(*plan, target, secrets);
  return used;
}

void wipe_injected(http::RequestHead& head, http::CanonicalTarget& target) {
  head.headers.wipe_values();
  wipe_string(target.path);
  if (target.query) wipe_string(*target.query);
}

}  // namespace deployclaw::services
