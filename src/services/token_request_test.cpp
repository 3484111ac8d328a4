#include "services/token_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "http/wire.hpp"

namespace deployclaw::services {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

OAuth endpoint(bool basic) {
  return {.kinds = {"k"},
          .host = "tokens.example.com",
          .port = 443,
          .path = "/v2/token",
          .basic_client = basic};
}

// Every character that could end a field or a header.
OAuthGrant odd_grant() {
  return {.client_id = "id&client_secret=x",
          .client_secret = Secret::copy_of("se:cret &=%+\"/"),
          .refresh_token = Secret::copy_of("1//refresh=&grant_type=password")};
}

struct Request {
  http::RequestHead head;
  std::string body;
};
Request parse(const Secret& request) {
  const std::string text(request.expose_text());
  const auto end = text.find("\r\n\r\n") + 4;
  const auto head = http::parse_request_head(text.substr(0, end));
  EXPECT_TRUE(head) << text;
  return {.head = head.value(), .body = text.substr(end)};
}

TEST(TokenRequest, EncodesEveryPartSoThatNoneCanBecomeAnother) {
  const auto request = parse(token_request(endpoint(false), odd_grant()));
  EXPECT_EQ(request.head.method_text, "POST");
  EXPECT_EQ(request.head.target, "/v2/token");
  EXPECT_EQ(request.head.headers.get("host"), "tokens.example.com");
  EXPECT_EQ(request.head.headers.get("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.head.framing.length, request.body.size());
  EXPECT_FALSE(request.head.headers.get("authorization"));
  EXPECT_EQ(request.body,
            "grant_type=refresh_token&refresh_token=1%2F%2Frefresh%3D%26grant_type%3Dpassword"
            "&client_id=id%26client_secret%3Dx&client_secret=se%3Acret%20%26%3D%25%2B%22%2F");
}

TEST(TokenRequest, SendsTheClientInBasicWhereTheCatalogueSaysSo) {
  const auto request = parse(token_request(endpoint(true), odd_grant()));
  const auto basic = request.head.headers.get("authorization").value_or("");
  ASSERT_TRUE(basic.starts_with("Basic "));
  const auto pair = base64_decode(basic.substr(6)).value();
  EXPECT_EQ(std::string(pair.begin(), pair.end()),
            "id%26client_secret%3Dx:se%3Acret%20%26%3D%25%2B%22%2F");
  EXPECT_THAT(request.body, Not(HasSubstr("client")));
}

TEST(TokenRequest, APublicClientNamesItselfInTheBody) {
  auto grant = odd_grant();
  grant.client_secret = {};
  for (const bool basic : {false, true}) {
    const auto request = parse(token_request(endpoint(basic), grant));
    EXPECT_THAT(request.body, HasSubstr("&client_id="));
    EXPECT_THAT(request.body, Not(HasSubstr("client_secret=")));
    EXPECT_FALSE(request.head.headers.get("authorization"));
  }
}

TEST(TokenAnswer, OfEachProviderIsUnderstood) {
  const auto google = parse_token_answer(
      200,
      R"({"access_token":"ya29.new-token","expires_in":3599,"scope":"x","token_type":"Bearer"})");
  ASSERT_TRUE(google);
  EXPECT_EQ(google->access_token.expose_text(), "ya29.new-token");
  EXPECT_TRUE(google->refresh_token.empty());
  EXPECT_EQ(google->lifetime, std::chrono::seconds(3599));
  const auto microsoft = parse_token_answer(
      200, R"({"token_type":"Bearer","scope":"Mail.Read","expires_in":3599,"ext_expires_in":3599,)"
           R"("access_token":"EwBnewtoken","refresh_token":"M.C5-new-refresh"})");
  ASSERT_TRUE(microsoft);
  EXPECT_EQ(microsoft->refresh_token.expose_text(), "M.C5-new-refresh");
  const auto slack = parse_token_answer(
      200, R"({"ok":true,"access_token":"xoxe.xoxb-1-new","expires_in":43200,)"
           R"("refresh_token":"xoxe-1-new","token_type":"bot","team":{"id":"T"}})");
  ASSERT_TRUE(slack);
  EXPECT_EQ(slack->lifetime, std::chrono::seconds(43200));
}

TEST(TokenAnswer, WithoutALifetimeLivesAnHourAndNeverForEver) {
  const auto unsaid = parse_token_answer(200, R"({"access_token":"token-of-now"})");
  ASSERT_TRUE(unsaid);
  EXPECT_EQ(unsaid->lifetime, std::chrono::hours(1));
  const auto text = parse_token_answer(200, R"({"access_token":"token-of-now","expires_in":"60"})");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->lifetime, std::chrono::seconds(60));
  const auto ages = parse_token_answer(
      200, R"({"access_token":"token-of-now","expires_in":9223372036854775807})");
  ASSERT_TRUE(ages);
  EXPECT_EQ(ages->lifetime, std::chrono::days(3650));
}

struct Refusal {
  int status;
  std::string body;
  const char* cause;
  bool for_good;
};

TEST(TokenAnswer, ThatRefusesSaysWhyAndWhetherForGood) {
  const std::vector<Refusal> cases = {
      {400, R"({"error":"invalid_grant","error_description":"secret text"})", "invalid_grant",
       true},
      {401, R"({"error":"invalid_client"})", "invalid_client", true},
      {200, R"({"ok":false,"error":"invalid_refresh_token"})", "invalid_refresh_token", true},
      {200, R"({"error":"invalid_grant"})", "invalid_grant", true},
      {200, R"({"ok":false,"error":"ratelimited"})", "ratelimited", false},
      {200, R"({"ok":"true","access_token":"token-of-now"})", "status_200", true},
      {400, R"({"error":"temporarily_unavailable"})", "temporarily_unavailable", false},
      {503, R"({"error":"invalid_grant"})", "invalid_grant", false},
      {500, "oops", "status_500", false},
      {429, "", "status_429", false},
      {403, "<html>", "status_403", true},
      {400, R"({"error":{"code":400,"message":"x"}})", "status_400", true},
      {400, R"({"error":"Bearer ya29.old"})", "status_400", true},
      {400, "{\"error\":\"" + std::string(41, 'a') + "\"}", "status_400", true},
      {302, R"({"access_token":"token-of-now"})", "redirected", false},
      {307, "", "redirected", false},
      {201, R"({"access_token":"token-of-now"})", "status_201", false},
  };
  for (const auto& one : cases) {
    const auto answer = parse_token_answer(one.status, one.body);
    ASSERT_FALSE(answer) << one.body;
    EXPECT_EQ(answer.error().detail_key, one.cause) << one.body;
    EXPECT_EQ(answer.error().code, one.for_good ? Code::kForbidden : Code::kUnavailable)
        << one.body;
  }
}

TEST(TokenAnswer, ThatIsNoneIsMalformedAndNeverQuoted) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  const std::vector<std::string> bodies = {
      "",
      "token-of-now",
      "access_token=token-of-now&expires_in=3600",
      "[]",
      "null",
      "{",
      R"({"access_token":"token-of-now"} x)",
      R"({"access_token":"token-of-now","access_token":"another-token"})",
      R"({"access_token":"token-of-now\u0000"})",
      R"({"access_token":"token-of-now\r\nX: y"})",
      R"({"access_token":"token of now"})",
      R"({"access_token":"töken-of-now"})",
      R"({"access_token":"short"})",
      R"({"access_token":""})",
      R"({"access_token":["token-of-now"]})",
      R"({"access_token":7})",
      R"({"access_token":"token-of-now","expires_in":0})",
      R"({"access_token":"token-of-now","expires_in":-1})",
      R"({"access_token":"token-of-now","expires_in":1.5})",
      R"({"access_token":"token-of-now","expires_in":18446744073709551615})",
      R"({"access_token":"token-of-now","expires_in":"99999999999"})",
      R"({"access_token":"token-of-now","expires_in":true})",
      R"({"access_token":"token-of-now","token_type":"DPoP"})",
      R"({"access_token":"token-of-now","refresh_token":7})",
      R"({"access_token":"token-of-now","refresh_token":"a\nb-refresh"})",
      "{\"access_token\":\"" + std::string(kMostTokenBytes + 1, 'x') + "\"}",
      "{\"access_token\":\"token-of-now\",\"x\":" + deep + "}",
      "{\"access_token\":\"token-of-now\",\"x\":\"" + std::string(kMostTokenAnswer, 'x') + "\"}",
  };
  for (const auto& body : bodies) {
    const auto answer = parse_token_answer(200, body);
    ASSERT_FALSE(answer) << body.substr(0, 200);
    EXPECT_EQ(answer.error().detail_key, "answer_malformed") << body.substr(0, 200);
    EXPECT_EQ(answer.error().code, Code::kUnavailable);
    EXPECT_THAT(answer.error().message, Not(HasSubstr("token-of-now")));
  }
}

TEST(OAuthGrant, ComesOutOfItsTextAsItWentIn) {
  auto grant = odd_grant();
  grant.access_token = Secret::copy_of("access \\ \" token");
  const auto back = read_grant(grant_text(grant));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->client_id, grant.client_id);
  EXPECT_TRUE(back->client_secret.equals(grant.client_secret));
  EXPECT_TRUE(back->refresh_token.equals(grant.refresh_token));
  EXPECT_TRUE(back->access_token.equals(grant.access_token));
  EXPECT_TRUE(back->previous_token.empty());
  for (const char* text : {"", "[]", "{}", R"({"clientId":"a"})", R"({"refreshToken":"b"})",
                           R"({"clientId":1,"refreshToken":"b"})"}) {
    const auto none = read_grant(Secret::copy_of(std::string_view(text)));
    ASSERT_FALSE(none) << text;
    EXPECT_EQ(none.error().code, Code::kCorrupt);
  }
}

TEST(OAuthGrant, TheLongestOneFitsIntoASealedValue) {
  const auto longest = [] { return Secret::copy_of(std::string(kMostTokenBytes, '"')); };
  const OAuthGrant grant{.client_id = std::string(kMostClientBytes, '"'),
                         .client_secret = Secret::copy_of(std::string(kMostClientBytes, '"')),
                         .refresh_token = longest(),
                         .access_token = longest(),
                         .previous_token = longest()};
  EXPECT_LE(grant_text(grant).size(), 65'536U);
}

TEST(OAuthGrant, RenewedKeepsTheRefreshTokenUnlessANewOneCame) {
  auto grant = odd_grant();
  grant.access_token = Secret::copy_of("first-token");
  auto once = renewed_grant(grant.clone(), Secret::copy_of("second-token"), {});
  EXPECT_EQ(once.access_token.expose_text(), "second-token");
  EXPECT_EQ(once.previous_token.expose_text(), "first-token");
  EXPECT_TRUE(once.refresh_token.equals(grant.refresh_token));
  const auto twice = renewed_grant(std::move(once), Secret::copy_of("third-token"),
                                   Secret::copy_of("new-refresh"));
  EXPECT_EQ(twice.previous_token.expose_text(), "second-token");
  EXPECT_EQ(twice.refresh_token.expose_text(), "new-refresh");
  const auto same = renewed_grant(twice.clone(), Secret::copy_of("third-token"), {});
  EXPECT_EQ(same.previous_token.expose_text(), "second-token") << "the same token again";
}

}  // namespace
}  // namespace deployclaw::services
