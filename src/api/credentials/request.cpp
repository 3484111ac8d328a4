#include "api/credentials/request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/names.hpp"
#include "http/fields.hpp"
#include "scrub/secret_patterns.hpp"

namespace deployclaw::api::credentials {
namespace {

namespace json = boost::json;

// A shorter one would be found in texts that have nothing to do with it, and be hidden there.
constexpr std::size_t kShortestValue = 8;
constexpr std::size_t kLongestValue = 8192;
static_assert(kShortestValue == scrub::PatternSet::kLeastBytes);

constexpr const char* kTooRegular =
    "must have at least 4 different characters, or it could not be told from ordinary data";

Secret checked_value(http::Fields& in) {
  const auto* value = in.optional_value("value");
  if (value == nullptr) return {};
  const auto* text = value->if_string();
  if (text == nullptr || text->size() < kShortestValue || text->size() > kLongestValue) {
    in.error("value", "must be a string of 8 to 8192 bytes");
    return {};
  }
  // It goes into headers and URLs: a line break would forge others.
  const bool clean = std::ranges::none_of(
      *text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
  if (!clean) {
    in.error("value", "must not contain line breaks or control characters");
    return {};
  }
  if (!scrub::PatternSet::can_find(*text)) {
    in.error("value", kTooRegular);
    return {};
  }
  return Secret::copy_of(std::string_view(*text));
}

// A string of the grant that is a secret of its own.
Secret checked_part(http::Fields& in, std::string_view name, std::size_t most, bool required) {
  const auto* value = in.optional_value(name);
  if (value == nullptr) {
    if (required) in.error(name, "is required");
    return {};
  }
  const auto* text = value->if_string();
  if (text == nullptr || text->size() < kShortestValue || !services::is_oauth_text(*text, most)) {
    in.error(name, fmt::format("must be a string of {} to {} printable ASCII characters",
                               kShortestValue, most));
    return {};
  }
  if (!scrub::PatternSet::can_find(*text)) {
    in.error(name, kTooRegular);
    return {};
  }
  return Secret::copy_of(std::string_view(*text));
}

std::string checked_client_id(http::Fields& in) {
  const auto* value = in.optional_value("clientId");
  const auto* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || !services::is_oauth_text(*text, services::kMostClientBytes)) {
    in.error("clientId", value == nullptr
                             ? "is required"
                             : "must be a string of 1 to 512 printable ASCII characters");
    return {};
  }
  return std::string(*text);
}

std::optional<services::OAuthGrant> checked_grant(http::Fields& in) {
  auto oauth = in.optional_child("oauth");
  if (!oauth) return std::nullopt;
  services::OAuthGrant grant{
      .client_id = checked_client_id(*oauth),
      .client_secret = checked_part(*oauth, "clientSecret", services::kMostClientBytes, false),
      .refresh_token = checked_part(*oauth, "refreshToken", services::kMostTokenBytes, true)};
  // Its mistakes are in the list of `in`.
  (void)oauth->finish();
  return grant;
}

std::optional<Time> checked_expiry(http::Fields& in) {
  const auto text = in.optional_string("expiresAt", {.min = 1, .max = 64});
  if (!text) return std::nullopt;
  constexpr Time kEarliest = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
  const auto time = parse_time(*text);
  if (!time || *time < kEarliest) in.error("expiresAt", "must be a time like 2026-11-24T20:49:34Z");
  return time;
}

// What of value, grant and expiry goes together, and with the kind.
void check_together(http::Fields& in, const services::Catalogue& catalogue,
                    const CredentialRequest& request, bool has_value, bool has_grant) {
  if (!has_value && !has_grant) in.error("value", "is required");
  if (!has_value && request.expires_at) {
    in.error("expiresAt", "is the value's, which is not there");
  }
  if (!has_grant || request.kind == nullptr) return;
  if (catalogue.find_oauth(request.kind->name) == nullptr) {
    in.error("oauth", "is for kinds of credential whose tokens are renewed; this is none");
  } else if (has_value && !request.value.empty() &&
             !services::is_oauth_text(request.value.expose_text(), services::kMostTokenBytes)) {
    in.error("value", "must be printable ASCII, being an access token");
  }
}

std::string checked_name(http::Fields& in) {
  const auto* value = in.optional_value("name");
  if (value == nullptr) {
    in.error("name", "is required");
    return {};
  }
  const auto* text = value->if_string();
  if (text == nullptr) {
    in.error("name", "must be a string");
    return {};
  }
  auto name = domain::credential_name(*text);
  if (!name) {
    in.error("name", std::move(name.error()));
    return {};
  }
  return std::move(*name);
}

}  // namespace

Result<CredentialRequest> read_credential(const services::Catalogue& catalogue,
                                          const json::object& object, std::string_view base,
                                          std::optional<std::string> present_kind) {
  http::Fields in(object, std::string(base));
  CredentialRequest out;
  if (!present_kind) out.name = checked_name(in);
  out.value = checked_value(in);
  out.grant = checked_grant(in);
  out.expires_at = checked_expiry(in);
  const auto kind = in.optional_string("kind", {.min = 1, .max = 64});
  if (present_kind && kind && *kind != *present_kind) {
    in.error("kind", "cannot be changed; delete the credential and add another");
  }
  const auto wanted = present_kind ? *present_kind : kind.value_or("generic");
  out.kind = catalogue.find_kind(wanted);
  const auto* hosts = in.optional_value("hosts");
  out.hosts_given = hosts != nullptr;
  if (out.kind == nullptr) {
    in.error("kind", "is not a known kind of credential");
  } else if (hosts != nullptr || !present_kind) {
    std::vector<FieldError> errors;
    out.hosts = services::read_credential_hosts(*out.kind, hosts, in.pointer("hosts"), errors);
    for (auto& error : errors) in.error_at(std::move(error.pointer), std::move(error.detail));
  }
  check_together(in, catalogue, out, object.contains("value"), object.contains("oauth"));
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return out;
}

}  // namespace deployclaw::api::credentials
