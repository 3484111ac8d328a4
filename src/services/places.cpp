#include "services/places.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "http/ascii.hpp"
#include "http/url.hpp"

namespace deployclaw::services {
namespace {

std::unexpected<Error> unfit(const Place& place) {
  return fail(
      Code::kInvalid, "credential_unfit",
      fmt::format("The credential's value cannot stand in a request's {}.", to_string(place.kind)));
}

}  // namespace

std::unexpected<Error> misplaced(const AgentCredential& credential, std::string_view where) {
  return fail(Code::kForbidden, "placeholder_misplaced",
              fmt::format("The placeholder of the credential {} stands in the request's {}, where "
                          "this request may not have it.",
                          credential.name, where));
}

Status hold_no_placeholder(std::string_view text, std::span<const AgentCredential> all,
                           std::string_view where, std::string_view kind) {
  const auto refuse = [&](const AgentCredential& credential) {
    return misplaced(credential, std::string(where).append(kind));
  };
  for (const auto& credential : all) {
    if (text.contains(credential.placeholder)) return refuse(credential);
  }
  if (!text.contains('%')) return {};
  const auto decoded = http::percent_decode(text);
  if (!decoded) return {};
  for (const auto& credential : all) {
    if (decoded->contains(credential.placeholder)) return refuse(credential);
  }
  return {};
}

Result<const Secret*> value_of(const Injection& injection, const SecretSource& secrets) {
  const auto* secret = secrets(injection.credential->name);
  if (secret == nullptr || secret->empty()) {
    return fail(
        Code::kUnavailable, "credential_unavailable",
        fmt::format("The credential {} has no valid value now.", injection.credential->name));
  }
  return secret;
}

Status check_fit(const Place& place, std::string_view value) {
  const auto has = [value](auto what) { return std::ranges::any_of(value, what); };
  switch (place.kind) {
    case PlaceKind::kHeader:
    case PlaceKind::kBasicPassword:
      if (has(http::is_control)) return unfit(place);
      return {};
    case PlaceKind::kBasicUser:
      if (has(http::is_control) || value.contains(':')) return unfit(place);
      return {};
    case PlaceKind::kQuery:
      return {};
    case PlaceKind::kPathSegment:
      // An escape of these would not survive everybody's reading of a path.
      if (has(http::is_control) || value.contains('/') || value.contains('\\') ||
          value.contains('%')) {
        return unfit(place);
      }
      return {};
    case PlaceKind::kBody:
    case PlaceKind::kWebSocket:
      if (!is_utf8(value)) return unfit(place);
      return {};
  }
  return unfit(place);
}

void note(Injected& used, const Injection& injection) {
  const std::string_view name = injection.credential->name;
  if (std::ranges::find(used, name) == used.end()) used.push_back(name);
}

}  // namespace deployclaw::services
