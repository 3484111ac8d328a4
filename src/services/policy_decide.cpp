#include <fmt/format.h>

#include <algorithm>

#include "domain/names.hpp"
#include "http/ascii.hpp"
#include "http/canonical_target.hpp"
#include "http/url.hpp"
#include "services/policy_state.hpp"

namespace deployclaw::services {
namespace {

using State = AgentPolicy::State;

constexpr std::string_view kApiCall = "api_call";

// The audit's target: the rule's text with its sources filled in.
std::string target_of(const Rule& rule, const Captures& captures, const RequestFacts& facts,
                      const BodyFacts* body) {
  const TargetFacts known{.host = facts.host,
                          .path = facts.path,
                          .query = facts.query,
                          .captures = &captures,
                          .body = body};
  return name_target(rule.target, known);
}

std::string plain_target(const RequestFacts& facts) {
  std::string out(facts.host);
  out += facts.path.substr(0, kLongestTargetText - std::min(out.size(), kLongestTargetText));
  return out;
}

void refuse(Decision& decision, Layer layer, std::string reason) {
  decision.layer = layer;
  decision.reason = std::move(reason);
}

// Of a credential whose kind belongs to the deciding service, or to none: each of its places.
void add_injections(const State& state, const Service* service, const RequestFacts& facts,
                    Decision& decision) {
  if (!facts.tls) return;
  for (std::size_t i = 0; i < state.credentials.size(); ++i) {
    const auto& credential = state.credentials[i];
    const auto& kind = *state.kinds[i];
    const bool right_service =
        kind.hosts_required() || (service != nullptr && kind.service == service->name);
    if (!right_service || std::ranges::none_of(credential.hosts, [&](const auto& pattern) {
          return domain::host_matches(pattern, facts.host);
        })) {
      continue;
    }
    for (const auto& place : kind.places) decision.injections.push_back({&credential, &place});
  }
}

// Whether the rule's condition on the body is met; nullopt while the body is not known. A body that
// could not be read meets a refusal's condition and no other: nobody gets around one by garbling.
std::optional<bool> condition_met(const Rule& rule, const RequestFacts& facts) {
  if (!rule.condition) return true;
  if (facts.body == nullptr) return std::nullopt;
  if (facts.body->is_null()) return rule.grant == Grant::kDeny;
  return rule.condition->holds(*facts.body);
}

// Whether the query has a key that `service` refuses; a key that cannot be decoded counts.
bool has_refused_query(const Service& service, std::string_view query) {
  if (service.refused_query.empty()) return false;
  for (; !query.empty(); query.remove_prefix(std::min(query.find('&'), query.size() - 1) + 1)) {
    const auto pair = query.substr(0, query.find('&'));
    const auto key = http::percent_decode(pair.substr(0, pair.find('=')), true);
    const bool refused = !key || std::ranges::any_of(service.refused_query, [&](const auto& word) {
      return http::equals_ignoring_case(*key, word);
    });
    if (refused) return true;
  }
  return false;
}

void apply_grant(const State& state, const Service& service, const Rule& rule,
                 std::string_view host, Decision& decision) {
  decision.rule = rule.id;
  decision.service = service.name;
  decision.scope = rule.scope;
  decision.action_type = rule.action_type;
  if (rule.grant == Grant::kDeny) return refuse(decision, Layer::kService, rule.reason);
  if (state.grants(rule, service, host)) {
    decision.allowed = true;
    return;
  }
  if (rule.grant == Grant::kModel) {
    return refuse(decision, Layer::kService,
                  fmt::format("the agent has no credential for {}", service.title));
  }
  decision.missing_scope = rule.scope;
  refuse(decision, Layer::kScope, fmt::format("the agent does not have the scope {}", rule.scope));
}

void apply_rule(const State& state, const RuleEntry& entry, const Captures& captures,
                const RequestFacts& facts, Decision& decision) {
  apply_grant(state, *entry.service, *entry.rule, facts.host, decision);
  // A body that a condition looked into may name the target too.
  const BodyFacts body{.content_type = {}, .bytes = {}, .json = facts.body};
  decision.target = target_of(*entry.rule, captures, facts, facts.body ? &body : nullptr);
  if (entry.rule->grant != Grant::kDeny && has_refused_query(*entry.service, facts.query)) {
    decision.allowed = false;
    decision.missing_scope = {};
    return refuse(decision, Layer::kService, "the query asks for another request than is seen");
  }
  if (decision.allowed) add_injections(state, entry.service, facts, decision);
}

void decide_catalogue(const State& state, const HostEntry& host, const RequestFacts& facts,
                      Decision& decision) {
  if (host.services.size() == 1) decision.service = host.services.front()->name;
  if (!facts.tls || facts.port != 443) {
    return refuse(decision, Layer::kPort, "this service is reached over https on port 443 only");
  }
  const auto method = method_bit(facts.method);
  const http::PathSegments segments(facts.path);
  Captures captures;
  for (const auto& entry : host.rules) {
    const Rule& rule = *entry.rule;
    if ((rule.methods & method) == 0 || rule.websocket != facts.websocket) continue;
    if (!entry.path->matches(segments.all(), captures)) continue;
    const auto met = condition_met(rule, facts);
    if (!met) {
      decision.needs_body = true;
      return;
    }
    if (*met) return apply_rule(state, entry, captures, facts, decision);
  }
  refuse(decision, Layer::kService, "no rule of the service catalogue knows this request");
}

void decide_domain(const State& state, const RequestFacts& facts, Decision& decision) {
  decision.scope = kOutboundScope;
  const auto domain = state.domains.find(facts.host, facts.port);
  if (!domain) {
    if (state.domains.find_on_any_port(facts.host)) {
      return refuse(decision, Layer::kPort,
                    fmt::format("port {} of this domain is not allowed", facts.port));
    }
    return refuse(decision, Layer::kDomain, "the domain is not among the agent's allowed domains");
  }
  decision.rule = domain->id;
  if (state.catalogue.find_tcp(facts.port) != nullptr) {
    return refuse(decision, Layer::kPort, "this port is not for http");
  }
  if (!state.granted(kOutboundScope)) {
    decision.missing_scope = kOutboundScope;
    return refuse(decision, Layer::kScope, "the agent does not have the scope api:outbound");
  }
  decision.allowed = true;
  add_injections(state, nullptr, facts, decision);
}

}  // namespace

Decision AgentPolicy::decide(const RequestFacts& facts) const {
  Decision decision;
  if (!state_->client_active) {
    decision.target = plain_target(facts);
    decision.action_type = kApiCall;
    refuse(decision, Layer::kClient, "the client's account is suspended");
    return decision;
  }
  if (const auto* host = state_->catalogue.find_host(facts.host)) {
    decide_catalogue(*state_, *host, facts, decision);
  } else {
    decide_domain(*state_, facts, decision);
  }
  if (decision.action_type.empty()) decision.action_type = kApiCall;
  if (decision.target.empty()) decision.target = plain_target(facts);
  return decision;
}

std::string AgentPolicy::name_target(const Decision& decision, const RequestFacts& facts,
                                     const BodyFacts& body) const {
  const auto* rule = state_->catalogue.find_rule(decision.rule);
  if (rule == nullptr || !names_body(rule->target)) return decision.target;
  const http::PathSegments segments(facts.path);
  for (const auto& path : rule->paths) {
    Captures captures;
    if (path.matches(segments.all(), captures)) return target_of(*rule, captures, facts, &body);
  }
  return decision.target;
}

std::optional<Decision> AgentPolicy::decide_by_rule(std::string_view rule_id,
                                                    std::string_view host) const {
  const auto* rule = state_->catalogue.find_rule(rule_id);
  if (rule == nullptr) return std::nullopt;
  Decision decision;
  decision.target = host;
  if (!state_->client_active) {
    decision.action_type = kApiCall;
    refuse(decision, Layer::kClient, "the client's account is suspended");
    return decision;
  }
  const auto* service = state_->catalogue.find_service(rule_id.substr(0, rule_id.find('/')));
  apply_grant(*state_, *service, *rule, host, decision);
  return decision;
}

Decision AgentPolicy::decide_tunnel(std::string_view host, std::uint16_t port) const {
  Decision decision;
  decision.action_type = kApiCall;
  decision.target = fmt::format("{}:{}", host, port);
  decision.scope = kOutboundScope;
  const auto& state = *state_;
  const auto refused = [&decision](Layer layer, std::string reason) {
    refuse(decision, layer, std::move(reason));
    return std::move(decision);
  };
  if (!state.client_active) return refused(Layer::kClient, "the client's account is suspended");
  if (const auto* known = state.catalogue.find_host(host)) {
    if (known->services.size() == 1) decision.service = known->services.front()->name;
    return refused(Layer::kService, "this service is reached over https on port 443 only");
  }
  if (port == 80 || port == 443) return refused(Layer::kPort, "this port is for http only");
  const auto* mail = state.catalogue.find_tcp(port);
  auto domain = state.domains.find(host, port);
  if (!domain && mail != nullptr) domain = state.domains.find_portless(host);
  if (!domain) {
    if (state.domains.find_on_any_port(host))
      return refused(Layer::kPort, "this port is not allowed");
    return refused(Layer::kDomain, "the domain is not among the agent's allowed domains");
  }
  decision.rule = mail != nullptr ? std::string_view(mail->id) : domain->id;
  if (mail != nullptr) {
    decision.scope = mail->scope;
    decision.action_type = mail->action_type;
  }
  if (!state.granted(decision.scope)) {
    decision.missing_scope = decision.scope;
    return refused(Layer::kScope,
                   fmt::format("the agent does not have the scope {}", decision.scope));
  }
  decision.allowed = true;
  return decision;
}

}  // namespace deployclaw::services
