#include "services/read_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "http/ascii.hpp"
#include "services/test_call.hpp"

namespace deployclaw::services {
namespace {

// Stands for the secret while the URL is checked.
constexpr std::string_view kStandIn = "SECRET-STAND-IN";
constexpr std::size_t kLongestValue = 200;

// The last of each pair stays: a URL has one secret at most.
std::string replaced(std::string text, std::string_view what, std::string_view instead) {
  const auto at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), instead);
  return text;
}

// The place that the test's secret goes to: the segment of its path, or else the first field.
std::optional<std::size_t> place_of(const CredentialKind& kind, const std::string& path,
                                    bool in_path) {
  const http::PathSegments segments(path);
  const auto fits = [&](const Place& place) {
    if (!in_path) {
      return place.kind == PlaceKind::kHeader && place.name != "*" && place.prefix != "*";
    }
    Captures captures;
    return place.kind == PlaceKind::kPathSegment && place.path.matches(segments.all(), captures) &&
           captures.get("secret") == kStandIn;
  };
  const auto found = std::ranges::find_if(kind.places, fits);
  if (found == kind.places.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kind.places.begin());
}

void read_url(TomlReader& reader, const CredentialKind& kind, TestCall& call) {
  const auto url = reader.text("url");
  const bool in_path = url.contains(kSecretMark);
  auto target = canonical_https_url(replaced(url, kSecretMark, kStandIn));
  if (!target) {
    reader.problem("url", "must be an https URL in its canonical spelling");
    return;
  }
  if (kind.hosts_required()) {
    reader.problem("url", "needs a kind with hosts of its own");
  } else if (std::ranges::find(kind.hosts, target->authority->host) == kind.hosts.end()) {
    reader.problem("url", fmt::format("'{}' is not a host of the kind", target->authority->host));
  }
  const auto place = place_of(kind, target->path, in_path);
  if (!place) {
    reader.problem("url", in_path ? "has {secret} where the kind has no place for it"
                                  : "has no {secret}, and the kind no field for it");
  }
  call.place = place.value_or(0);
  call.host = std::move(target->authority->host);
  call.port = target->authority->port_or(443);
  call.path = replaced(std::move(target->path), kStandIn, kSecretMark);
  call.query = std::move(target->query);
}

// What decides where a request goes, how long it is and who asks is not the file's to say.
bool is_fixed_field(std::string_view name) {
  constexpr std::array<std::string_view, 8> kFixed{
      "authorization", "host",    "content-length",   "transfer-encoding",
      "connection",    "upgrade", "proxy-connection", "accept-encoding"};
  return std::ranges::any_of(
      kFixed, [&](std::string_view one) { return http::equals_ignoring_case(one, name); });
}

void read_headers(TomlReader& reader, const CredentialKind& kind, TestCall& call) {
  if (!reader.has("headers")) return;
  call.headers = reader.text_table("headers");
  for (const auto& [name, value] : call.headers) {
    const bool of_place = std::ranges::any_of(kind.places, [&](const Place& place) {
      return place.kind == PlaceKind::kHeader && http::equals_ignoring_case(place.name, name);
    });
    if (!http::is_token(name) || is_fixed_field(name) || of_place) {
      reader.problem("headers", fmt::format("'{}' cannot be set", name));
    }
    const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
    if (value.empty() || value.size() > kLongestValue || !plain) {
      reader.problem("headers", fmt::format("'{}' must be 1 to 200 printable characters", name));
    }
  }
}

std::vector<std::int64_t> read_statuses(TomlReader& reader, std::string_view key,
                                        std::vector<std::int64_t> fallback) {
  if (!reader.has(key)) return fallback;
  std::vector<std::int64_t> statuses;
  for (const auto& value : reader.values(key)) {
    const auto* number = value.if_int64();
    if (number == nullptr || *number < 200 || *number > 499) {
      reader.problem(key, "must be numbers from 200 to 499");
    } else {
      statuses.push_back(*number);
    }
  }
  return statuses;
}

}  // namespace

bool is_pointer(std::string_view text) { return text.starts_with('/') && text.size() > 1; }

std::optional<BodyCondition> read_condition(TomlReader& parent, std::string_view key) {
  auto reader = parent.table(key, false);
  if (!reader) return std::nullopt;
  BodyCondition condition;
  condition.pointer = reader->text("pointer");
  if (!is_pointer(condition.pointer)) reader->problem("pointer", "must be a JSON pointer");
  condition.equals = reader->values("equals");
  reader->finish();
  return condition;
}

std::optional<http::CanonicalTarget> canonical_https_url(std::string_view url) {
  auto target = http::canonical_target(url);
  if (!target || !target->authority || !target->https) return std::nullopt;
  const auto& authority = *target->authority;
  const auto port = authority.port ? ":" + std::to_string(*authority.port) : std::string();
  if (url != "https://" + authority.host + port + target->origin_form()) return std::nullopt;
  return std::move(*target);
}

TestCall read_test_call(TomlReader reader, const CredentialKind& kind) {
  TestCall call;
  call.method = reader.text_or("method", "GET");
  const bool without_effect = reader.flag_or("without_effect", false);
  if (call.method != "GET" && call.method != "POST") {
    reader.problem("method", "must be GET or POST");
  } else if (call.method == "POST" && !without_effect) {
    reader.problem("method", "POST needs without_effect = true");
  }
  read_url(reader, kind, call);
  read_headers(reader, kind, call);
  call.accepted = read_statuses(reader, "accepted", std::move(call.accepted));
  call.refused = read_statuses(reader, "refused", std::move(call.refused));
  const bool both = std::ranges::any_of(call.accepted, [&](std::int64_t status) {
    return std::ranges::find(call.refused, status) != call.refused.end();
  });
  if (both) reader.problem("refused", "has a status that is accepted");
  if (call.accepted.empty()) reader.problem("accepted", "must have at least one status");
  call.accepted_body = read_condition(reader, "accepted_body");
  call.refused_body = read_condition(reader, "refused_body");
  reader.finish();
  return call;
}

}  // namespace deployclaw::services
