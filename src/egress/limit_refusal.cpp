#include "egress/limit_refusal.hpp"

#include <fmt/format.h>

#include "domain/permissions.hpp"
#include "egress/json_text.hpp"

namespace deployclaw::egress {

namespace {

using Kind = LimitRefusal::Kind;

std::string_view scope_of(const LimitRefusal& refusal) {
  return refusal.scope < domain::kScopes.size() ? domain::kScopes[refusal.scope] : "";
}

std::string_view name_of(domain::Window window) {
  return window == domain::Window::kHour ? "hour" : "day";
}

double dollars(domain::MicroDollars amount) { return static_cast<double>(amount) / 1e6; }

std::string sentence(const LimitRefusal& refusal) {
  switch (refusal.kind) {
    case Kind::kRate:
      return fmt::format("This agent may use {} {} times in any {}. Try again in {} s.",
                         scope_of(refusal), refusal.max, name_of(refusal.window),
                         refusal.retry_after_seconds);
    case Kind::kSpend:
      return fmt::format(
          "This agent may spend {:.2f} US dollars a day on models; {:.2f} are spent, and what is "
          "left does not suffice for this call.",
          dollars(refusal.cap), dollars(refusal.spent));
    case Kind::kNotReady:
      break;
  }
  return "What this agent has used so far is not known yet, so nothing is sent.";
}

}  // namespace

Error to_error(const LimitRefusal& refusal) {
  const bool ready = refusal.kind != Kind::kNotReady;
  const std::string reason = refusal.kind == Kind::kRate    ? "rate_limited"
                             : refusal.kind == Kind::kSpend ? "spend_cap_reached"
                                                            : "limits_not_ready";
  auto detail = sentence(refusal);
  return {.code = ready ? Code::kRateLimited : Code::kUnavailable,
          .message = reason + ": " + detail,
          .reason = reason,
          .public_detail = std::move(detail),
          .retry_after_seconds = refusal.retry_after_seconds};
}

std::string_view layer_of(const LimitRefusal& refusal) {
  switch (refusal.kind) {
    case Kind::kRate:
      return "rate";
    case Kind::kSpend:
      return "spend";
    case Kind::kNotReady:
      break;
  }
  return "limits";
}

boost::json::object to_members(const LimitRefusal& refusal) {
  boost::json::object out;
  if (refusal.kind == Kind::kRate) {
    out["scope"] = json_text(scope_of(refusal));
    out["window"] = json_text(name_of(refusal.window));
    out["max"] = refusal.max;
  } else if (refusal.kind == Kind::kSpend) {
    out["capUsd"] = dollars(refusal.cap);
    out["spentUsd"] = dollars(refusal.spent);
  }
  out["retryAfter"] = refusal.retry_after_seconds;
  return out;
}

}  // namespace deployclaw::egress
