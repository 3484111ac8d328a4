// From one TOML file to a checked Service. A mistake here would be a hole in every agent's fence or
// a secret sent to the wrong place, so whatever one file can tell is checked; what needs the others
// is in catalogue.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "base/toml_reader.hpp"
#include "domain/names.hpp"
#include "domain/permissions.hpp"
#include "http/ascii.hpp"
#include "services/catalogue.hpp"
#include "services/credential_kinds.hpp"
#include "services/read_parts.hpp"
#include "services/target_naming.hpp"

namespace deployclaw::services {
namespace {

bool is_word(std::string_view text, std::string_view others) {
  return !text.empty() && text.size() <= 40 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.contains(c);
  });
}

std::string read_name(TomlReader& reader, std::string_view key) {
  auto name = reader.text(key);
  if (!name.empty() && !is_word(name, "-")) {
    reader.problem(key, "must be lower-case letters, digits and dashes");
  }
  return name;
}

// Canonical host patterns. With `within`, they must be among those.
std::vector<std::string> read_hosts(TomlReader& reader, std::vector<std::string> hosts,
                                    const std::vector<std::string>* within) {
  for (auto& host : hosts) {
    const auto canonical = domain::host_pattern(host);
    if (!canonical) {
      reader.problem("hosts", fmt::format("'{}' {}", host, canonical.error()));
    } else if (*canonical != host) {
      reader.problem("hosts", fmt::format("'{}' is written {}", host, *canonical));
    } else if (within != nullptr && std::ranges::find(*within, host) == within->end()) {
      reader.problem("hosts", fmt::format("'{}' is not a host of the service", host));
    }
  }
  return hosts;
}

Place read_place(TomlReader reader) {
  Place place;
  constexpr std::string_view kKinds[] = {"header", "basic", "query", "path", "body", "websocket"};
  std::string_view kind;
  for (const auto candidate : kKinds) {
    if (!reader.has(candidate)) continue;
    if (!kind.empty()) reader.problem(candidate, "stands beside another place");
    kind = candidate;
  }
  if (kind.empty()) {
    reader.problem("places", "must be one of header, basic, query, path, body, websocket");
    return place;
  }
  auto value = reader.text(kind);
  if (kind == "header") {
    place.kind = PlaceKind::kHeader;
    place.prefix = reader.text_or("prefix", "");
    if (value != "*" && !http::is_token(value)) reader.problem(kind, "must be a field's name");
  } else if (kind == "basic") {
    place.kind = value == "user" ? PlaceKind::kBasicUser : PlaceKind::kBasicPassword;
    if (value != "user" && value != "password") reader.problem(kind, "must be user or password");
  } else if (kind == "query") {
    place.kind = PlaceKind::kQuery;
  } else if (kind == "path") {
    place.kind = PlaceKind::kPathSegment;
    auto pattern = PathPattern::parse(value);
    if (!pattern) {
      reader.problem(kind, pattern.error());
    } else if (!pattern->has_capture("secret")) {
      reader.problem(kind, "must have {secret} in one segment");
    } else {
      place.path = std::move(*pattern);
    }
  } else {
    place.kind = kind == "body" ? PlaceKind::kBody : PlaceKind::kWebSocket;
    if (!is_pointer(value)) reader.problem(kind, "must be a JSON pointer");
  }
  place.name = std::move(value);
  reader.finish();
  return place;
}

CredentialKind read_kind(TomlReader reader, const Service& service) {
  CredentialKind kind;
  kind.service = service.name;
  kind.name = read_name(reader, "name");
  kind.title = reader.text("title");
  kind.placeholder = reader.text("placeholder");
  if (auto bad = check_placeholder_shape(kind.placeholder); !bad.empty()) {
    reader.problem("placeholder", bad);
  }
  kind.hosts = reader.has("hosts") ? read_hosts(reader, reader.texts("hosts"), &service.hosts)
                                   : service.hosts;
  for (auto& place : reader.tables("places")) kind.places.push_back(read_place(std::move(place)));
  if (kind.places.empty()) reader.problem("places", "must name at least one place");
  if (auto test = reader.table("test", false)) kind.test = read_test_call(std::move(*test), kind);
  reader.finish();
  return kind;
}

void read_token_url(TomlReader& reader, OAuth& oauth) {
  auto target = canonical_https_url(reader.text("token_url"));
  if (!target || target->query) {
    reader.problem("token_url", "must be an https URL with nothing but a host and a path");
    return;
  }
  oauth.host = std::move(target->authority->host);
  oauth.port = target->authority->port_or(443);
  oauth.path = std::move(target->path);
}

OAuth read_oauth(TomlReader reader, const Service& service) {
  OAuth oauth;
  read_token_url(reader, oauth);
  const auto client = reader.text("client_in");
  oauth.basic_client = client == "basic";
  if (client != "basic" && client != "body") reader.problem("client_in", "must be basic or body");
  oauth.kinds = reader.texts("kinds");
  for (const auto& kind : oauth.kinds) {
    if (std::ranges::find(service.kinds, kind, &CredentialKind::name) == service.kinds.end()) {
      reader.problem("kinds", fmt::format("'{}' is not a kind of the service", kind));
    }
  }
  reader.finish();
  return oauth;
}

std::uint8_t read_methods(TomlReader& reader) {
  unsigned methods = 0;
  for (const auto& method : reader.texts("methods")) {
    const unsigned bit = method_bit(method);
    if (bit == 0) reader.problem("methods", fmt::format("'{}' is not a known method", method));
    methods |= bit;
    if (method == "GET") methods |= method_bit("HEAD");
  }
  if (methods == 0) reader.problem("methods", "must name at least one method");
  return static_cast<std::uint8_t>(methods);
}

void read_paths(TomlReader& reader, Rule& rule) {
  for (const auto& text : reader.texts("paths")) {
    auto pattern = PathPattern::parse(text);
    if (pattern) {
      rule.paths.push_back(std::move(*pattern));
    } else {
      reader.problem("paths", fmt::format("'{}' {}", text, pattern.error()));
    }
  }
  if (rule.paths.empty()) reader.problem("paths", "must name at least one path");
}

void read_grant(TomlReader& reader, Rule& rule) {
  if (reader.has("scope") == reader.has("deny")) {
    reader.problem("scope", "either scope or deny must be there, and not both");
    return;
  }
  if (reader.has("deny")) {
    rule.grant = Grant::kDeny;
    rule.reason = reader.text("deny");
    rule.action_type = "api_call";
    return;
  }
  rule.scope = reader.text("scope");
  rule.grant = rule.scope == "model" ? Grant::kModel : Grant::kScope;
  if (rule.grant == Grant::kScope && !domain::is_scope(rule.scope)) {
    reader.problem("scope", "must be a scope, or model");
  }
  rule.action_type =
      rule.grant == Grant::kModel ? reader.text_or("action", "model_call") : reader.text("action");
  if (!rule.action_type.empty() && !is_word(rule.action_type, "_")) {
    reader.problem("action", "must be lower-case letters and underscores");
  }
}

void check_target(TomlReader& reader, const Rule& rule) {
  const auto wrong = check_target_template(rule.target, [&rule](std::string_view name) {
    return std::ranges::all_of(rule.paths,
                               [&](const auto& path) { return path.has_capture(name); });
  });
  if (!wrong.empty()) reader.problem("target", wrong);
}

Rule read_rule(TomlReader reader, const Service& service) {
  Rule rule;
  rule.where = reader.where();
  rule.id = service.name + "/" + read_name(reader, "id");
  rule.hosts = reader.has("hosts") ? read_hosts(reader, reader.texts("hosts"), &service.hosts)
                                   : service.hosts;
  rule.websocket = reader.flag_or("websocket", false);
  rule.methods = rule.websocket ? method_bit("GET") : read_methods(reader);
  read_paths(reader, rule);
  rule.condition = read_condition(reader, "body");
  read_grant(reader, rule);
  rule.target = reader.text_or("target", "{host}{path}");
  check_target(reader, rule);
  reader.finish();
  return rule;
}

TcpRule read_tcp(TomlReader reader, const Service& service) {
  TcpRule rule;
  rule.port = static_cast<std::uint16_t>(reader.whole("port", 1, 65535));
  if (rule.port == 25 || rule.port == 80 || rule.port == 443) {
    reader.problem("port", "is never tunnelled");
  }
  rule.id = fmt::format("{}/{}", service.name, rule.port);
  rule.scope = reader.text("scope");
  if (!domain::is_scope(rule.scope)) reader.problem("scope", "must be a scope");
  rule.action_type = reader.text("action");
  reader.finish();
  return rule;
}

}  // namespace

Service read_service(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& list) {
  Problems problems{file, list};
  const auto parsed = parse_toml(toml_text, problems);
  if (!parsed) return {};
  TomlReader top(*parsed, "", problems);
  Service service;
  service.name = read_name(top, "name");
  service.title = top.text("title");
  service.hosts = read_hosts(top, top.texts_or_none("hosts"), nullptr);
  service.refused_query = top.texts_or_none("refused_query");
  for (auto& kind : top.tables("kinds")) {
    service.kinds.push_back(read_kind(std::move(kind), service));
  }
  if (auto oauth = top.table("oauth", false)) {
    service.oauth = read_oauth(std::move(*oauth), service);
  }
  for (auto& rule : top.tables("rules")) {
    service.rules.push_back(read_rule(std::move(rule), service));
  }
  for (auto& tcp : top.tables("tcp")) service.tcp.push_back(read_tcp(std::move(tcp), service));
  if (service.rules.empty() != service.hosts.empty()) {
    top.problem("rules", "hosts and rules need one another");
  }
  top.finish();
  return service;
}

}  // namespace deployclaw::services
