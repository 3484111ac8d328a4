#include "services/oauth_grant.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "domain/sensitive_config.hpp"

namespace deployclaw::services {

namespace json = boost::json;

namespace {

void put(json::object& out, std::string_view name, const Secret& secret) {
  if (secret.empty()) return;
  const auto text = secret.expose_text();
  out[json::string_view(name.data(), name.size())] = json::string_view(text.data(), text.size());
}

Secret take(const json::object& in, std::string_view name) {
  const auto* value = in.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return Secret::copy_of(std::string_view(value->get_string()));
}

}  // namespace

OAuthGrant OAuthGrant::clone() const {
  return {.client_id = client_id,
          .client_secret = client_secret.clone(),
          .refresh_token = refresh_token.clone(),
          .access_token = access_token.clone(),
          .previous_token = previous_token.clone()};
}

bool is_oauth_text(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Secret grant_text(const OAuthGrant& grant) {
  json::object out{{"clientId", json::string(grant.client_id)}};
  put(out, "clientSecret", grant.client_secret);
  put(out, "refreshToken", grant.refresh_token);
  put(out, "accessToken", grant.access_token);
  put(out, "previousToken", grant.previous_token);
  json::value whole(std::move(out));
  auto text = json::serialize(whole);
  domain::wipe_strings(whole);
  return Secret::take(std::move(text));
}

Result<OAuthGrant> read_grant(const Secret& text) {
  boost::system::error_code error;
  const auto view = text.expose_text();
  auto parsed = json::parse(json::string_view(view.data(), view.size()), error);
  if (error || !parsed.is_object()) return fail(Code::kCorrupt, "the OAuth grant is no object");
  const auto& object = parsed.get_object();
  OAuthGrant grant{.client_id = {},
                   .client_secret = take(object, "clientSecret"),
                   .refresh_token = take(object, "refreshToken"),
                   .access_token = take(object, "accessToken"),
                   .previous_token = take(object, "previousToken")};
  if (const auto* id = object.if_contains("clientId"); id != nullptr && id->is_string()) {
    grant.client_id = std::string(id->get_string());
  }
  domain::wipe_strings(parsed);
  if (grant.client_id.empty() || grant.refresh_token.empty()) {
    return fail(Code::kCorrupt, "the OAuth grant lacks its client or its refresh token");
  }
  return grant;
}

OAuthGrant renewed_grant(OAuthGrant grant, Secret access_token, Secret refresh_token) {
  // A service may answer with the token that it gave before.
  if (!grant.access_token.equals(access_token)) {
    grant.previous_token = std::move(grant.access_token);
  }
  grant.access_token = std::move(access_token);
  if (!refresh_token.empty()) grant.refresh_token = std::move(refresh_token);
  return grant;
}

}  // namespace deployclaw::services
