#include "services/suggestions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <map>
#include <tuple>

#include "domain/names.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

constexpr std::string_view kOutbound = "api:outbound";

class Suggester {
 public:
  static Result<Suggester> of(const PolicyParts& parts) {
    Suggester made(parts);
    auto present = made.compile({});
    if (!present) return fail(std::move(present.error()));
    made.present_.emplace(std::move(*present));
    return made;
  }

  [[nodiscard]] RecordedVerdict now(const RecordedRequest& request) const {
    return judge(*present_, request);
  }

  // The first of the candidates, narrowest first, that lets the request through.
  [[nodiscard]] std::optional<Change> find(const DenialGroup& group) {
    for (const auto& candidate : candidates(group)) {
      if (allows(candidate, group.request) && keeps_rules(candidate)) return candidate;
    }
    return std::nullopt;
  }

 private:
  explicit Suggester(const PolicyParts& parts) : parts_(&parts) {}

  // A suspended client is told so elsewhere: what it lacks is another matter.
  [[nodiscard]] Result<AgentPolicy> compile(const Change& change) const {
    auto policy = AgentPolicy::compile(parts_->catalogue, with(parts_->permissions, change),
                                       parts_->credentials, true, 0);
    return policy;
  }

  bool allows(const Change& change, const RecordedRequest& request) {
    const auto key = change.domain + "+" + change.scope;
    auto found = compiled_.find(key);
    if (found == compiled_.end()) {
      auto policy = compile(change);
      // The domains of hostile requests are many, and each is asked about in a row.
      if (compiled_.size() > 256) compiled_.clear();
      found =
          compiled_.emplace(key, policy ? std::optional(std::move(*policy)) : std::nullopt).first;
    }
    return found->second && judge(*found->second, request).allowed;
  }

  // A list of domains may be full.
  [[nodiscard]] bool keeps_rules(const Change& change) const {
    std::vector<FieldError> errors;
    const json::value changed = domain::to_json(with(parts_->permissions, change));
    (void)domain::read_permissions(changed, "", errors);
    return errors.empty();
  }

  [[nodiscard]] bool lacks(std::string_view scope) const {
    return std::ranges::find(parts_->permissions.scopes, scope) == parts_->permissions.scopes.end();
  }

  // The scopes that the rules of this host ask for: first of services that the agent has a
  // credential of, each in the order of kScopes, which has reading before writing.
  [[nodiscard]] std::vector<std::string> scopes_for(const std::string& host) const {
    std::vector<std::string> scopes;
    const auto* entry = parts_->catalogue.find_host(host);
    if (entry == nullptr) return scopes;
    for (const bool with_credential : {true, false}) {
      for (const auto scope : domain::kScopes) {
        const bool asked = std::ranges::any_of(entry->rules, [&](const RuleEntry& rule) {
          return rule.rule->scope == scope && has_credential(*rule.service) == with_credential;
        });
        if (asked && lacks(scope) && std::ranges::find(scopes, scope) == scopes.end()) {
          scopes.emplace_back(scope);
        }
      }
    }
    return scopes;
  }

  [[nodiscard]] bool has_credential(const Service& service) const {
    return std::ranges::any_of(parts_->credentials, [&](const AgentCredential& credential) {
      const auto* kind = parts_->catalogue.find_kind(credential.kind);
      return kind != nullptr && kind->service == service.name;
    });
  }

  [[nodiscard]] std::vector<Change> candidates(const DenialGroup& group) const {
    const auto& request = group.request;
    std::vector<Change> out;
    if (domain::is_scope(group.missing_scope)) out.push_back({.scope = group.missing_scope});
    for (auto& scope : scopes_for(request.host)) out.push_back({.scope = std::move(scope)});
    if (parts_->catalogue.find_host(request.host) != nullptr) return out;
    std::vector<std::string> scopes;
    if (const auto* mail = parts_->catalogue.find_tcp(request.port.value_or(0))) {
      scopes.push_back(mail->scope);
    }
    scopes.emplace_back(kOutbound);
    for (const auto& scope : scopes) out.push_back({.scope = scope});
    const auto port = request.port.value_or(0);
    const bool usual = port == 0 || port == 80 || port == 443;
    const auto text = usual ? request.host : fmt::format("{}:{}", request.host, port);
    const auto allowed = domain::allowed_domain(text);
    if (!allowed || allowed->to_string() != text) return out;
    out.push_back({.domain = text});
    for (const auto& scope : scopes) out.push_back({.scope = scope, .domain = text});
    return out;
  }

  const PolicyParts* parts_;
  std::optional<AgentPolicy> present_;
  std::map<std::string, std::optional<AgentPolicy>> compiled_;
};

std::string id_of(const Change& change) {
  std::string id;
  if (!change.domain.empty()) id = "domain:" + change.domain;
  if (!change.scope.empty()) id += (id.empty() ? "scope:" : "+scope:") + change.scope;
  return id;
}

std::string sentence_of(const Change& change) {
  if (change.domain.empty()) {
    return fmt::format("Add the scope {}: the agent may then {}.", change.scope,
                       in_words(change.scope));
  }
  const auto what = fmt::format(
      "Allow the domain {}: the agent may then send anything to it and read what it answers",
      change.domain);
  if (change.scope.empty()) return what + ".";
  return fmt::format("{}. It needs the scope {} as well, with which it may {}.", what, change.scope,
                     in_words(change.scope));
}

template <class Entry>
void count_in(Entry& entry, const DenialGroup& group) {
  entry.count += group.count;
  if (entry.example.empty() || group.last_at > entry.last_at) {
    entry.last_at = group.last_at;
    entry.example = describe(group.request);
  }
}

template <class Entry>
std::vector<Entry> sorted(std::map<std::string, Entry> by_key) {
  std::vector<Entry> out;
  for (auto& [key, entry] : by_key) out.push_back(std::move(entry));
  std::ranges::sort(out, [](const Entry& a, const Entry& b) {
    return std::tie(b.count, b.last_at, a.example) < std::tie(a.count, a.last_at, b.example);
  });
  return out;
}

std::string why_never(const DenialGroup& group, const RecordedVerdict& verdict) {
  if (!group.request.reason.empty() && verdict.layer == group.request.layer) {
    return group.request.reason;
  }
  if (!domain::allowed_domain(group.request.host)) {
    return "only domain names can be allowed, no addresses, no names of the local network and no "
           "whole registries";
  }
  return verdict.reason;
}

}  // namespace

std::string_view in_words(std::string_view scope) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, domain::kScopes.size()>
      kWords = {{{"email:read", "read e-mail"},
                 {"email:send", "send, draft, sort and delete e-mail"},
                 {"calendar:read", "read calendars"},
                 {"calendar:write", "create, change and delete events"},
                 {"files:read", "read files"},
                 {"files:write", "create, change and delete files"},
                 {"api:outbound", "call its allowed domains"},
                 {"messaging:send", "read and send messages in chats"}}};
  for (const auto& [name, words] : kWords) {
    if (name == scope) return words;
  }
  return "do what this scope covers";
}

domain::Permissions with(domain::Permissions permissions, const Change& change) {
  const auto add = [](std::vector<std::string>& list, const std::string& value) {
    if (!value.empty() && std::ranges::find(list, value) == list.end()) list.push_back(value);
  };
  add(permissions.scopes, change.scope);
  add(permissions.allowed_domains, change.domain);
  return permissions;
}

json::array json_patch(const Change& change) {
  json::array patch;
  const auto add = [&patch](std::string_view path, const std::string& value) {
    if (value.empty()) return;
    patch.push_back(json::object{{"op", "add"}, {"path", json::string(path)}, {"value", value}});
  };
  add("/scopes/-", change.scope);
  add("/allowedDomains/-", change.domain);
  return patch;
}

Result<Suggestions> suggest(const PolicyParts& parts, std::span<const DenialGroup> groups) {
  auto suggester = Suggester::of(parts);
  if (!suggester) return fail(std::move(suggester.error()));
  std::map<std::string, Suggestion> wanted;
  std::map<std::string, NotGrantable> never;
  for (const auto& group : groups) {
    const auto verdict = suggester->now(group.request);
    if (verdict.allowed) continue;
    if (const auto change = suggester->find(group)) {
      auto& entry = wanted[id_of(*change)];
      entry.id = id_of(*change);
      entry.change = *change;
      entry.sentence = sentence_of(*change);
      count_in(entry, group);
    } else {
      auto& entry = never[group.request.host + " " + verdict.rule];
      count_in(entry, group);
      entry.rule = verdict.rule;
      entry.host = group.request.host;
      entry.reason = why_never(group, verdict);
    }
  }
  return Suggestions{.items = sorted(std::move(wanted)), .not_grantable = sorted(std::move(never))};
}

}  // namespace deployclaw::services
