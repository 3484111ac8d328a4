#include "services/consistency.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace deployclaw::services {
namespace {

using Problems = std::vector<std::string>;

void check_names(std::span<const Service> services, Problems& problems) {
  std::set<std::string> names;
  const auto once = [&](std::string what, const std::string& name) {
    if (!names.insert(what + " " + name).second) {
      problems.push_back(fmt::format("{} '{}' is there twice", what, name));
    }
  };
  for (const auto& service : services) {
    once("service", service.name);
    for (const auto& kind : service.kinds) once("credential kind", kind.name);
    for (const auto& rule : service.rules) once("rule", rule.id);
    for (const auto& rule : service.tcp) once("port", std::to_string(rule.port));
  }
}

bool has_allowing_rule(const Service& service, const std::string& host) {
  return std::ranges::any_of(service.rules, [&](const Rule& rule) {
    return rule.grant != Grant::kDeny && std::ranges::find(rule.hosts, host) != rule.hosts.end();
  });
}

void check_kinds(std::span<const Service> services, Problems& problems) {
  for (const auto& service : services) {
    for (const auto& kind : service.kinds) {
      for (const auto& host : kind.hosts) {
        if (has_allowing_rule(service, host)) continue;
        problems.push_back(
            fmt::format("credential kind '{}' may be sent to {}, where no rule of {} decides",
                        kind.name, host, service.name));
      }
    }
  }
}

bool could_meet(const RuleEntry& a, const RuleEntry& b) {
  return a.rule->websocket == b.rule->websocket && (a.rule->methods & b.rule->methods) != 0 &&
         a.path->overlaps(*b.path);
}

bool same_verdict(const Rule& a, const Rule& b) {
  return a.grant == b.grant && a.scope == b.scope && a.action_type == b.action_type &&
         a.grant != Grant::kModel;
}

std::string conflict(const HostEntry& host, const RuleEntry& a, const RuleEntry& b) {
  return fmt::format("{}: paths: '{}' and '{}' of {} could both decide on {}", a.rule->where,
                     a.path->text(), b.path->text(), b.rule->where, host.pattern);
}

void check_pair(const HostEntry& host, const RuleEntry& a, const RuleEntry& b, Problems& problems) {
  if (!could_meet(a, b)) return;
  const bool one_service = a.service == b.service;
  const bool twins = one_service && a.path->compare(*b.path) == 0 && !a.rule->condition &&
                     !b.rule->condition &&
                     (a.rule->grant == Grant::kDeny) == (b.rule->grant == Grant::kDeny);
  if (twins || (!one_service && !same_verdict(*a.rule, *b.rule))) {
    problems.push_back(conflict(host, a, b));
  }
}

// A refresh token is asked with by the platform alone. Where the token endpoint's host is not in
// the catalogue an allowed domain would let agents ask it too.
void check_token_endpoints(std::span<const Service> services, std::span<const HostEntry> hosts,
                           Problems& problems) {
  for (const auto& service : services) {
    if (!service.oauth) continue;
    const auto& oauth = *service.oauth;
    const auto entry = std::ranges::find(hosts, oauth.host, &HostEntry::pattern);
    if (entry == hosts.end()) {
      problems.push_back(fmt::format("the token endpoint {} of {} is on no host of the catalogue",
                                     oauth.host, service.name));
      continue;
    }
    const auto path = PathPattern::parse(oauth.path);
    const bool open = !path || std::ranges::any_of(entry->rules, [&](const RuleEntry& rule) {
      return rule.rule->grant != Grant::kDeny && rule.path->overlaps(*path);
    });
    if (open) {
      problems.push_back(fmt::format("a rule lets agents ask the token endpoint {}{} of {}",
                                     oauth.host, oauth.path, service.name));
    }
  }
}

}  // namespace

std::vector<std::string> inconsistencies(std::span<const Service> services,
                                         std::span<const HostEntry> hosts) {
  Problems problems;
  check_names(services, problems);
  check_kinds(services, problems);
  check_token_endpoints(services, hosts, problems);
  for (const auto& host : hosts) {
    for (std::size_t i = 0; i < host.rules.size(); ++i) {
      for (std::size_t j = i + 1; j < host.rules.size(); ++j) {
        check_pair(host, host.rules[i], host.rules[j], problems);
      }
    }
  }
  return problems;
}

}  // namespace deployclaw::services
