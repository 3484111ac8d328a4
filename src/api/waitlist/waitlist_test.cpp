#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/deploying.hpp"

namespace deployclaw::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class Waitlist : public ::testing::Test {
 protected:
  Answer form(std::string body, Client::Fields extra = {}) {
    extra.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    return anyone.send_raw(http::Method::kPost, "/api/waitlist", std::move(body), std::move(extra));
  }
  static std::string rows(std::string_view what = "count(*)") {
    return Fixture::sql("SELECT " + std::string(what) + " FROM waitlist.entries");
  }
  Fixture api;
  Client anyone{api, "203.0.113.5"};
};

TEST_F(Waitlist, KeepsWhoAsksAndAnswersTheSameForWhoIsKnown) {
  const auto first =
      anyone.post("/api/waitlist",
                  {{"email", " Ada@Example.com "}, {"name", "Ada"}, {"message", "Hello\nthere"}});
  EXPECT_EQ(first.status, 202) << first.text;
  EXPECT_EQ(rows("email || '/' || name || '/' || message"), "ada@example.com/Ada/Hello\nthere");
  const auto again = anyone.post("/api/waitlist", {{"email", "ada@example.com"}, {"name", "Eve"}});
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(rows("count(*) || min(name)"), "1Ada") << "who is there stays as they are";
}

TEST_F(Waitlist, AFormWorksWithoutScripts) {
  const auto answer =
      form("email=ada%40example.com&name=Ada+L.&company=&message=a%0D%0Ab&website=");
  EXPECT_EQ(answer.status, 303) << answer.text;
  EXPECT_EQ(answer.headers.get("location"), "/waitlist-thanks");
  EXPECT_EQ(rows("name || '/' || coalesce(company, '-') || '/' || message"), "Ada L./-/a\nb");
  EXPECT_EQ(form("email=ada%40example.com").status, 303);
}

TEST_F(Waitlist, WhoFillsInTheHiddenFieldIsAnsweredAndNotKept) {
  EXPECT_EQ(anyone.post("/api/waitlist", {{"email", "a@example.com"}, {"website", "x"}}).status,
            202);
  EXPECT_EQ(form("email=a%40example.com&website=http%3A%2F%2Fspam").status, 303);
  EXPECT_EQ(rows(), "0");
}

TEST_F(Waitlist, BadFieldsAreNamedAndAFormGetsAPage) {
  const auto bad =
      anyone.post("/api/waitlist", {{"email", "nobody"}, {"name", std::string(101, 'x')}});
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(pointers_of(bad), "/name /email");
  EXPECT_EQ(pointers_of(anyone.post("/api/waitlist", {{"email", "a@b.example"}, {"role", "x"}})),
            "/role");
  const auto page = form("email=nobody");
  EXPECT_EQ(page.status, 422);
  EXPECT_THAT(page.text, HasSubstr("Back to the form"));
  EXPECT_EQ(form("email=%zz").status, 400);
  EXPECT_EQ(form("email=a%40b.example&email=c%40d.example").status, 400);
  EXPECT_EQ(rows(), "0");
}

TEST_F(Waitlist, OneNetworkMayAskFiveTimesOnly) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(form("email=a%40example.com").status, 303);
  EXPECT_EQ(anyone.post("/api/waitlist", {{"email", "b@example.com"}}).status, 429);
  Client other(api, "203.0.113.6");
  EXPECT_EQ(other.post("/api/waitlist", {{"email", "b@example.com"}}).status, 202);
}

TEST_F(Waitlist, AnotherSitesPageCannotFillItIn) {
  EXPECT_EQ(form("email=a%40example.com", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(
      form("email=a%40example.com", {{"Sec-Fetch-Site", ""}, {"Origin", "https://evil.example"}})
          .status,
      403);
  EXPECT_EQ(anyone
                .send_raw(http::Method::kPost, "/api/waitlist", "email: x",
                          {{"Content-Type", "text/plain"}})
                .status,
            415);
  EXPECT_EQ(rows(), "0");
}

TEST_F(Waitlist, TheApiCanAddAndReadsNobody) {
  const auto can = [](std::string_view what) {
    return Fixture::sql("SELECT has_table_privilege('deployclaw_api', 'waitlist.entries', '" +
                        std::string(what) + "')");
  };
  for (const char* what : {"SELECT", "INSERT", "UPDATE", "DELETE"})
    EXPECT_EQ(can(what), "f") << what;
}

}  // namespace
}  // namespace deployclaw::api
