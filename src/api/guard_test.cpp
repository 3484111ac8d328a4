#include "api/guard.hpp"

#include <gtest/gtest.h>

#include <set>

#include "api/auth/tokens.hpp"
#include "api/testing/fixture.hpp"
#include "http/problem.hpp"

namespace deployclaw::api {
namespace {

using http::Method;
using testing::Client;
using testing::Fixture;

Task<Result<http::Response>> hello(Principal principal, http::Request /*request*/) {
  co_return http::json_response(200, {{"hello", principal.email}});
}

// Calls a guarded handler as the server would, with whatever fields.
class Guard : public ::testing::Test {
 protected:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  Guard() : ada(api) { ada.sign_up("ada@example.com"); }

  http::Response call(Access access, Method method, Fields fields, std::string body = "") {
    http::Request request;
    request.method = method;
    request.remote_address = "203.0.113.1";
    request.id = "test";
    request.body = std::move(body);
    request.headers.add("Host", "console.example.com");
    for (auto& [name, value] : fields) request.headers.add(name, value);
    const auto handler = require(api.server->services(), access, hello);
    return api.run(handler(std::move(request)));
  }
  Fields signed_in() { return {{"Cookie", std::string(kSessionCookie) + "=" + ada.cookie}}; }
  Fields with(Fields more) {
    auto fields = signed_in();
    for (auto& field : more) fields.push_back(std::move(field));
    return fields;
  }
  Fields write() {
    return with({{"Sec-Fetch-Site", "same-origin"}, {"X-CSRF-Token", csrf_token(ada.cookie)}});
  }
  static bool says(const http::Response& response, std::string_view code) {
    return response.body.find("\"code\":\"" + std::string(code) + "\"") != std::string::npos;
  }

  Fixture api;
  Client ada;
};

TEST_F(Guard, LetsASessionRead) {
  EXPECT_EQ(call({}, Method::kGet, signed_in()).body, R"({"hello":"ada@example.com"})");
}

TEST_F(Guard, RefusesNoOrUnknownCredentials) {
  EXPECT_EQ(call({}, Method::kGet, {}).status, 401);
  EXPECT_EQ(call({}, Method::kGet, {{"Cookie", "other=1"}}).status, 401);
  EXPECT_EQ(call({}, Method::kGet, {{"Authorization", "Bearer dck_abc"}}).status, 401);
  EXPECT_EQ(call({}, Method::kGet, {{"Authorization", "Basic YTpi"}}).status, 401);
}

TEST_F(Guard, RefusesACookieTogetherWithAuthorization) {
  const auto answer = call({}, Method::kGet, with({{"Authorization", "Bearer dck_abc"}}));
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(says(answer, "ambiguous_credentials")) << answer.body;
}

TEST_F(Guard, LetsAWriteThroughFromOurOwnPagesOnly) {
  const auto token = csrf_token(ada.cookie);
  const auto status = [this](Fields fields) {
    return call({}, Method::kPost, with(std::move(fields))).status;
  };
  const std::pair<std::string, std::string> csrf{"X-CSRF-Token", token};
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"}, csrf}), 200);
  EXPECT_EQ(status({{"Origin", "https://console.example.com"}, csrf}), 200);
  EXPECT_EQ(status({{"Origin", "http://Console.Example.com"}, csrf}), 200);

  EXPECT_EQ(status({csrf}), 403) << "neither field";
  EXPECT_EQ(status({{"Sec-Fetch-Site", "cross-site"}, csrf}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-site"}, csrf}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "none"}, csrf}), 403);
  EXPECT_EQ(
      status({{"Sec-Fetch-Site", "same-site"}, {"Origin", "https://console.example.com"}, csrf}),
      403);
  EXPECT_EQ(status({{"Origin", "https://evil.example"}, csrf}), 403);
  EXPECT_EQ(status({{"Origin", "https://console.example.com.evil.example"}, csrf}), 403);
  EXPECT_EQ(status({{"Origin", "https://console.example.com:8443"}, csrf}), 403);
  EXPECT_EQ(status({{"Origin", "null"}, csrf}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"}}), 403) << "no token";
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"}, {"X-CSRF-Token", ""}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"}, {"X-CSRF-Token", token + "A"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-origin"},
                    {"X-CSRF-Token", csrf_token(new_session_token())}}),
            403)
      << "another session's token";
}

TEST_F(Guard, ComparesTheOriginWithTheConfiguredOneAlone) {
  api.server->services().config.public_origin = "https://public.example";
  const std::pair<std::string, std::string> csrf{"X-CSRF-Token", csrf_token(ada.cookie)};
  EXPECT_EQ(call({}, Method::kPost, with({{"Origin", "https://public.example"}, csrf})).status,
            200);
  EXPECT_EQ(call({}, Method::kPost, with({{"Origin", "http://public.example"}, csrf})).status, 403);
  EXPECT_EQ(call({}, Method::kPost, with({{"Origin", "https://console.example.com"}, csrf})).status,
            403);
}

TEST_F(Guard, ChecksEveryUnsafeMethod) {
  for (const Method method :
       {Method::kPost, Method::kPut, Method::kPatch, Method::kDelete, Method::kOther}) {
    EXPECT_EQ(call({}, method, signed_in()).status, 403) << http::to_string(method);
    EXPECT_EQ(call({}, method, write()).status, 200) << http::to_string(method);
  }
  EXPECT_EQ(call({}, Method::kHead, signed_in()).status, 200);
}

TEST_F(Guard, TakesABodyAsJsonOnly) {
  EXPECT_EQ(call({}, Method::kPost, write(), "{}").status, 415);
  auto fields = write();
  fields.emplace_back("Content-Type", "text/plain");
  EXPECT_EQ(call({}, Method::kPost, fields, "{}").status, 415);
  fields.back().second = "application/json; charset=utf-8";
  EXPECT_EQ(call({}, Method::kPost, fields, "{}").status, 200);
}

TEST_F(Guard, TakesBothFactorsUnlessTheRouteSaysOtherwise) {
  Client half(api);
  half.login("ada@example.com");
  ada.cookie = half.cookie;
  const auto refused = call({}, Method::kGet, signed_in());
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(says(refused, "two_factor_required")) << refused.body;
  EXPECT_EQ(call({.level = Level::kPassword}, Method::kGet, signed_in()).status, 200);
}

TEST_F(Guard, TakesAFreshSecondFactorWhereAsked) {
  EXPECT_EQ(call({.fresh = true}, Method::kPost, write()).status, 200);
  api.clock.advance(std::chrono::minutes(10) + std::chrono::seconds(1));
  const auto refused = call({.fresh = true}, Method::kPost, write());
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(says(refused, "two_factor_required"));
  EXPECT_NE(refused.body.find("\"maxAge\":600"), std::string::npos) << refused.body;
  EXPECT_EQ(call({}, Method::kPost, write()).status, 200);
}

TEST_F(Guard, ReadsTheRoleAtEachRequest) {
  const std::vector<Role> roles{Role::kViewer, Role::kMember, Role::kAdmin, Role::kOwner};
  for (const Role held : roles) {
    Fixture::sql("UPDATE users SET role = '" + std::string(to_string(held)) + "'");
    for (const Role needed : roles) {
      const auto answer = call({.least_role = needed}, Method::kGet, signed_in());
      EXPECT_EQ(answer.status, held >= needed ? 200 : 403)
          << to_string(held) << " where it takes " << to_string(needed);
    }
  }
}

TEST_F(Guard, LetsASuspendedClientReadButNotWrite) {
  Fixture::sql("UPDATE clients SET status = 'suspended'");
  EXPECT_EQ(call({}, Method::kGet, signed_in()).status, 200);
  const auto refused = call({}, Method::kPost, write());
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(says(refused, "client_suspended")) << refused.body;
  EXPECT_EQ(call({.level = Level::kPassword}, Method::kPost, write()).status, 200) << "sign out";
}

TEST_F(Guard, SetsTheCallerOfTheNetworkNotOfAHeader) {
  http::Request request;
  request.remote_address = "203.0.113.1";
  request.headers.add("X-Forwarded-For", "1.2.3.4");
  EXPECT_EQ(client_address(api.server->services().config, request), "203.0.113.1");
}

TEST(AccessBits, TellOpenRoutesFromGuardedOnes) {
  EXPECT_NE(access_bits({.level = Level::kPassword}), 0U);
  EXPECT_NE(access_bits({}), access_bits({.level = Level::kPassword}));
  EXPECT_NE(access_bits({}), access_bits({.fresh = true}));
  EXPECT_NE(access_bits({}), access_bits({.least_role = Role::kAdmin}));
}

// Whoever adds a route below /api/auth thinks about its level; all others take both factors.
TEST(Routes, OutsideAuthTakeBothFactors) {
  Fixture api;
  const std::set<std::string> for_everybody{"/api/openapi.json", "/api/branding", "/api/waitlist"};
  for (const auto* route : api.server->router().routes()) {
    const bool open = route->info.access == 0;
    if (route->pattern.starts_with("/api/auth/")) {
      const bool first =
          route->pattern == "/api/auth/login" || route->pattern == "/api/auth/register";
      EXPECT_EQ(open, first) << route->pattern;
    } else if (route->pattern.starts_with("/api/") && !for_everybody.contains(route->pattern)) {
      EXPECT_FALSE(open) << route->pattern;
      EXPECT_TRUE((route->info.access & 1U) != 0) << route->pattern;
    }
  }
}

}  // namespace
}  // namespace deployclaw::api
