#include "api/auth/tokens.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "crypto/hmac.hpp"
#include "http/cookie.hpp"

namespace deployclaw::api {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenText = 43;

bool is_base64url(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

std::string new_session_token() { return random_token(kTokenBytes); }

std::optional<std::string> session_token(const http::Request& request) {
  auto token = request.cookie(kSessionCookie);
  if (!token || token->size() != kTokenText || !std::ranges::all_of(*token, is_base64url)) {
    return std::nullopt;
  }
  return token;
}

crypto::Sha256Digest hash_session_token(std::string_view token) {
  return crypto::sha256(bytes_of(token));
}

std::string csrf_token(std::string_view session_token) {
  const auto mac = crypto::hmac_sha256(bytes_of(session_token), bytes_of("deployclaw/csrf/v1"));
  return base64url_encode(mac);
}

std::string session_cookie(std::string_view token, std::chrono::seconds expires_in) {
  http::SetCookie cookie;
  cookie.name = kSessionCookie;
  cookie.value = token;
  cookie.max_age = expires_in;
  return http::to_header_value(cookie);
}

std::string expired_session_cookie() { return session_cookie("", std::chrono::seconds(0)); }

}  // namespace deployclaw::api
