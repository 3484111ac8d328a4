#include "services/inject_header.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "http/ascii.hpp"

namespace deployclaw::services {
namespace {

// Fields that route, frame or describe the message itself: no place for a secret of any kind.
bool may_hold_secret(std::string_view name) {
  constexpr std::array<std::string_view, 24> kNever = {
      "host",    "content-length", "transfer-encoding", "connection",      "keep-alive",
      "te",      "trailer",        "upgrade",           "expect",          "range",
      "referer", "origin",         "user-agent",        "content-type",    "content-encoding",
      "accept",  "accept-charset", "accept-encoding",   "accept-language", "forwarded",
      "via",     "date",           "cache-control",     "cookie"};
  constexpr std::array<std::string_view, 3> kPrefixes = {"proxy-", "sec-", "x-forwarded-"};
  const auto is = [name](std::string_view other) {
    return http::equals_ignoring_case(name, other);
  };
  const auto begins = [name](std::string_view prefix) {
    return http::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return std::ranges::none_of(kNever, is) && std::ranges::none_of(kPrefixes, begins);
}

bool is_header_place(const Place& place, std::string_view name) {
  if (place.kind != PlaceKind::kHeader) return false;
  return place.name == "*" ? may_hold_secret(name) : http::equals_ignoring_case(place.name, name);
}

// Where the secret would begin in `value`; npos when the value does not begin as the place says.
std::size_t secret_begin(const Place& place, std::string_view value) {
  if (place.prefix == "*") {
    const auto space = value.rfind(' ');
    if (space == std::string_view::npos) return 0;
    return http::is_token(value.substr(0, space)) ? space + 1 : std::string_view::npos;
  }
  if (!http::equals_ignoring_case(value.substr(0, place.prefix.size()), place.prefix)) {
    return std::string_view::npos;
  }
  return place.prefix.size();
}

std::optional<HeaderPlan::Part> find_plain(std::string_view name, std::string_view value,
                                           std::span<const Injection> injections) {
  for (const auto& injection : injections) {
    if (!is_header_place(*injection.place, name)) continue;
    const auto begin = secret_begin(*injection.place, value);
    if (begin == std::string_view::npos) continue;
    if (value.substr(begin) != injection.credential->placeholder) continue;
    return HeaderPlan::Part{.injection = &injection, .begin = begin, .end = value.size()};
  }
  return std::nullopt;
}

// The decoded pair of "Basic <base64>" (RFC 7617); nullopt for any other value.
std::optional<std::string> basic_pair(std::string_view name, std::string_view value) {
  constexpr std::string_view kScheme = "Basic ";
  if (!http::equals_ignoring_case(name, "authorization") ||
      !http::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  const auto bytes = base64_decode(http::trim_ows(value.substr(kScheme.size())));
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

Result<HeaderPlan> plan_basic(std::string pair, std::span<const Injection> injections,
                              std::span<const AgentCredential> all) {
  HeaderPlan plan;
  const auto colon = std::min(pair.find(':'), pair.size());
  const std::string_view view = pair;
  const auto user = view.substr(0, colon);
  const auto password = view.substr(std::min(colon + 1, pair.size()));
  const auto half = [&](std::string_view text, PlaceKind kind, std::size_t begin) -> Status {
    const auto* injection =
        find_injection(injections, text, [kind](const Place& place) { return place.kind == kind; });
    if (injection == nullptr) return hold_no_placeholder(text, all, "Authorization header");
    plan.parts.push_back({.injection = injection, .begin = begin, .end = begin + text.size()});
    return {};
  };
  auto good = half(user, PlaceKind::kBasicUser, 0);
  if (good) good = half(password, PlaceKind::kBasicPassword, pair.size() - password.size());
  // A placeholder may also lie across the colon.
  if (good && plan.parts.empty()) good = hold_no_placeholder(view, all, "Authorization header");
  if (!good) return fail(std::move(good.error()));
  plan.pair = std::move(pair);
  return plan;
}

}  // namespace

Result<HeaderPlan> plan_header(std::string_view name, std::string_view value,
                               std::span<const Injection> injections,
                               std::span<const AgentCredential> all) {
  auto clean = hold_no_placeholder(name, all, "header names");
  if (!clean) return fail(std::move(clean.error()));
  if (auto part = find_plain(name, value, injections)) {
    HeaderPlan plan;
    plan.parts.push_back(*part);
    return plan;
  }
  clean = hold_no_placeholder(value, all, name, " header");
  if (!clean) return fail(std::move(clean.error()));
  if (auto pair = basic_pair(name, value)) return plan_basic(std::move(*pair), injections, all);
  return HeaderPlan{};
}

std::string apply_header(const HeaderPlan& plan, std::string_view value,
                         const SecretSource& secrets) {
  const std::string_view from = plan.pair ? std::string_view(*plan.pair) : value;
  std::size_t size = from.size();
  for (const auto& part : plan.parts) {
    size += secrets(part.injection->credential->name)->size();
  }
  std::string out;
  out.reserve(size);  // so that growing leaves no copy behind
  std::size_t at = 0;
  for (const auto& part : plan.parts) {
    out += from.substr(at, part.begin - at);
    out += secrets(part.injection->credential->name)->expose_text();
    at = part.end;
  }
  out += from.substr(at);
  if (!plan.pair) return out;
  auto encoded = base64_encode(bytes_of(out));
  wipe_string(out);
  std::string field;
  field.reserve(encoded.size() + 6);
  field.append("Basic ").append(encoded);
  wipe_string(encoded);
  return field;
}

}  // namespace deployclaw::services
