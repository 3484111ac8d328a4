#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace deployclaw::services {

// What an access token is renewed with, and the tokens of now: one sealed value (purpose
// "oauth-grant"), so that they can only ever change together.
struct OAuthGrant {
  std::string client_id;
  Secret client_secret = {};  // empty: a public client has none
  Secret refresh_token = {};
  Secret access_token = {};  // empty: the first use fetches one
  // The access token before this one, which may still be valid: never sent, but hidden in answers.
  Secret previous_token = {};

  [[nodiscard]] OAuthGrant clone() const;
};

// The most bytes of a token, a client secret or a client id.
inline constexpr std::size_t kMostTokenBytes = 8192;
inline constexpr std::size_t kMostClientBytes = 512;

// Printable ASCII (VSCHAR, RFC 6749 appendix A), 1 to `most` bytes: fit for every place a token,
// a client id or a client secret goes to.
bool is_oauth_text(std::string_view text, std::size_t most);

// The grant as the JSON text that is sealed: {clientId, clientSecret?, refreshToken, accessToken?,
// previousToken?}.
Secret grant_text(const OAuthGrant& grant);
// kCorrupt when it is none.
Result<OAuthGrant> read_grant(const Secret& text);

// The grant after a renewal. An empty `refresh_token` keeps the one there is.
OAuthGrant renewed_grant(OAuthGrant grant, Secret access_token, Secret refresh_token);

}  // namespace deployclaw::services
