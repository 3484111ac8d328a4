#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "crypto/sha256.hpp"
#include "http/message.hpp"

// The session cookie and what is computed from it.
namespace deployclaw::api {

inline constexpr std::string_view kSessionCookie = "__Host-deployclaw";

// A new session's token: 256 random bits, 43 characters of base64url.
std::string new_session_token();

// The token of the request's cookie when it has a token's form.
std::optional<std::string> session_token(const http::Request& request);

// What is stored of a token. At 256 random bits a slow hash adds nothing.
crypto::Sha256Digest hash_session_token(std::string_view token);

// base64url(HMAC-SHA-256(key = the cookie's text, "deployclaw/csrf/v1")): bound to the session,
// useless for reading the token, and known to nobody without the cookie.
std::string csrf_token(std::string_view session_token);

// Set-Cookie for a new token, which the browser keeps until `expires_in` has passed.
std::string session_cookie(std::string_view token, std::chrono::seconds expires_in);
// Set-Cookie that makes the browser drop it.
std::string expired_session_cookie();

}  // namespace deployclaw::api
