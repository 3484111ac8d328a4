#include "services/explain.hpp"

#include <algorithm>

#include "http/ascii.hpp"
#include "http/canonical_target.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

std::unexpected<Error> bad_field(std::string pointer, std::string detail) {
  Error error{.code = Code::kInvalid, .message = pointer + " " + detail};
  error.reason = "validation_failed";
  error.public_detail = "Some fields are not valid.";
  error.fields.push_back({.pointer = std::move(pointer), .detail = std::move(detail)});
  return fail(std::move(error));
}

// Takes "scheme://" off the front when it is that scheme.
bool take_scheme(std::string_view& url, std::string_view scheme) {
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return false;
  if (!http::equals_ignoring_case(url.substr(0, colon), scheme)) return false;
  url.remove_prefix(colon + 3);
  return true;
}

std::string rule_file(const Catalogue& catalogue, std::string_view id) {
  const auto* rule = catalogue.find_rule(id);
  if (rule == nullptr) return {};
  // As in the source tree, wherever the catalogue was loaded from.
  const auto at = rule->where.find("catalog/services/");
  return at == std::string::npos ? rule->where : rule->where.substr(at);
}

Explanation of_decision(const Decision& decision, const AgentPolicy& policy,
                        const domain::Permissions& permissions) {
  Explanation out;
  out.verdict = decision.needs_body ? Verdict::kNeedsBody
                : decision.allowed  ? Verdict::kAllowed
                                    : Verdict::kDenied;
  out.layer = to_string(decision.layer);
  out.rule = decision.rule;
  out.rule_file = rule_file(policy.catalogue(), decision.rule);
  out.service = decision.service;
  out.scope = decision.scope;
  out.action = decision.action_type;
  out.target = decision.target;
  out.missing_scope = decision.missing_scope;
  out.reason = decision.needs_body ? "it depends on the request's body" : decision.reason;
  if (const auto index = domain::scope_index(decision.scope)) {
    // The plan matters to the spend only.
    out.limits = domain::limits_of(permissions, "").windows[*index];
    out.default_limits = !permissions.rate_limits.contains(out.scope);
  }
  out.approval = std::ranges::find(permissions.approval, out.scope) != permissions.approval.end();
  return out;
}

Result<Explanation> explain_tunnel(const AgentPolicy& policy,
                                   const domain::Permissions& permissions,
                                   std::string_view authority) {
  const auto parsed = http::parse_authority(authority);
  if (!parsed) return bad_field("/url", parsed.error().public_detail);
  if (!parsed->port) return bad_field("/url", "must name a port: tcp://host:port");
  const auto decision = policy.decide_tunnel(parsed->host, *parsed->port);
  return of_decision(decision, policy, permissions);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return "allowed";
    case Verdict::kDenied:
      return "denied";
    case Verdict::kNeedsBody:
      return "needs_body";
  }
  return "denied";
}

Result<Explanation> explain(const AgentPolicy& policy, const domain::Permissions& permissions,
                            const Question& question) {
  std::string_view rest = question.url;
  if (take_scheme(rest, "tcp")) return explain_tunnel(policy, permissions, rest);
  if (!http::is_token(question.method) || question.method.size() > 32) {
    return bad_field("/method", "must be an HTTP method");
  }
  bool websocket = true;
  std::string url = question.url;
  if (take_scheme(rest, "wss")) {
    url = "https://" + std::string(rest);
  } else if (take_scheme(rest, "ws")) {
    url = "http://" + std::string(rest);
  } else {
    websocket = false;
  }
  // A browser keeps the fragment to itself.
  url.resize(std::min(url.find('#'), url.size()));
  if (!url.contains("://")) return bad_field("/url", "must be a whole URL: https://host/path");
  const auto target = http::canonical_target(url);
  if (!target) return bad_field("/url", target.error().public_detail);
  RequestFacts facts{.host = target->authority->host,
                     .port = target->authority->port_or(target->https ? 443 : 80),
                     .tls = target->https,
                     .method = question.method,
                     .path = target->path};
  if (target->query) facts.query = *target->query;
  facts.websocket = websocket;
  if (question.body) facts.body = &*question.body;
  return of_decision(policy.decide(facts), policy, permissions);
}

json::object to_json(const Explanation& explanation) {
  const auto text = [](const std::string& value) {
    return value.empty() ? json::value() : json::value(value);
  };
  json::object out;
  out["verdict"] = json::string(to_string(explanation.verdict));
  out["layer"] = text(explanation.layer);
  out["rule"] = text(explanation.rule);
  out["ruleFile"] = text(explanation.rule_file);
  out["service"] = text(explanation.service);
  out["scope"] = text(explanation.scope);
  out["action"] = text(explanation.action);
  out["target"] = text(explanation.target);
  out["missingScope"] = text(explanation.missing_scope);
  out["reason"] = text(explanation.reason);
  out["limits"] = nullptr;
  if (explanation.limits) {
    out["limits"] = {{"maxPerHour", explanation.limits->per_hour},
                     {"maxPerDay", explanation.limits->per_day},
                     {"default", explanation.default_limits}};
  }
  out["approval"] = explanation.approval;
  return out;
}

}  // namespace deployclaw::services
