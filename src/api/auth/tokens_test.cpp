#include "api/auth/tokens.hpp"

#include <gtest/gtest.h>

namespace deployclaw::api {
namespace {

http::Request with_cookie(std::string header) {
  http::Request request;
  request.headers.add("Cookie", std::move(header));
  return request;
}

TEST(SessionToken, HasTheFormOf256RandomBits) {
  const auto token = new_session_token();
  EXPECT_EQ(token.size(), 43U);
  EXPECT_NE(token, new_session_token());
  EXPECT_EQ(session_token(with_cookie("a=b; __Host-deployclaw=" + token)), token);
}

TEST(SessionToken, IsReadStrictly) {
  EXPECT_FALSE(session_token(http::Request{}));
  EXPECT_FALSE(session_token(with_cookie("__Host-deployclaw=")));
  EXPECT_FALSE(session_token(with_cookie("__Host-deployclaw=short")));
  EXPECT_FALSE(session_token(with_cookie("__Host-deployclaw=" + std::string(43, '!'))));
  EXPECT_FALSE(session_token(with_cookie("deployclaw=" + new_session_token())));
}

// openssl: printf %s "deployclaw/csrf/v1" | openssl dgst -sha256 -hmac <43 times A> -binary
TEST(CsrfToken, IsTheDocumentedMacOfTheCookie) {
  EXPECT_EQ(csrf_token(std::string(43, 'A')), "kFZM2u6Wu7p-ONmZJGJ2jyYdbJr-UHznc4OXAv7I0LI");
}

TEST(SessionCookie, IsBoundToTheHostAndHiddenFromScripts) {
  const auto cookie = session_cookie("t", std::chrono::seconds(900));
  EXPECT_TRUE(cookie.starts_with("__Host-deployclaw=t;")) << cookie;
  for (const char* part : {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=900"}) {
    EXPECT_NE(cookie.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(cookie.find("Domain"), std::string::npos);
  EXPECT_NE(expired_session_cookie().find("Max-Age=0"), std::string::npos);
}

}  // namespace
}  // namespace deployclaw::api
