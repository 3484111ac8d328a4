#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/oauth_grant.hpp"
#include "services/service.hpp"

// How an access token is asked for with a refresh token (RFC 6749 §6), and what comes back. Pure.
namespace deployclaw::services {

// The whole HTTP/1.1 request to `oauth`'s token endpoint, head and body.
Secret token_request(const OAuth& oauth, const OAuthGrant& grant);

// Answers may have this many bytes of body.
inline constexpr std::size_t kMostTokenAnswer = 64UL * 1024;

struct TokenAnswer {
  Secret access_token;
  Secret refresh_token = {};  // empty: the one there is stays good
  std::chrono::seconds lifetime{};
};

// Reads an answer of a token endpoint. Errors name their cause in Error::detail_key: the endpoint's
// own error code when it is [a-z_]{1,40} ("invalid_grant"), else "redirected", "status_<number>" or
// "answer_malformed". kForbidden: the endpoint refuses this grant or this client, and asking again
// will not help. kUnavailable: another time it may. No error quotes the body.
//
// Besides RFC 6749 §5 it understands Slack, which says no in {"ok": false, "error": …} under 200
// and calls a bearer token "bot" or "user". Without expires_in a token is taken to live for an
// hour: renewed too early is harmless, too late is not.
Result<TokenAnswer> parse_token_answer(int status, std::string_view body);

}  // namespace deployclaw::services
