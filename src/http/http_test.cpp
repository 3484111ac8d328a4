// Messages, paths, problems, events, cookies and entity tags.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <stdexcept>
#include <string>

#include "http/cookie.hpp"
#include "http/etag.hpp"
#include "http/message.hpp"
#include "http/problem.hpp"
#include "http/sse.hpp"
#include "http/url.hpp"

namespace deployclaw::http {
namespace {

using namespace std::string_literals;

TEST(Message, HeadersIgnoreCase) {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  EXPECT_EQ(headers.get("X-a"), "1");
  EXPECT_EQ(headers.count("x-A"), 2U);
  headers.set("X-A", "3");
  EXPECT_EQ(headers.count("x-a"), 1U);
  headers.remove("x-a");
  EXPECT_FALSE(headers.get("x-a"));
}

TEST(Message, MethodsAreCaseSensitive) {
  EXPECT_EQ(parse_method("GET"), Method::kGet);
  EXPECT_EQ(parse_method("get"), Method::kOther);
}

TEST(Message, FindsCookies) {
  Request request;
  request.headers.add("Cookie", "a=1; __Host-deployclaw=tok=en;b=");
  request.headers.add("Cookie", "c=3");
  EXPECT_EQ(request.cookie("__Host-deployclaw"), "tok=en");
  EXPECT_EQ(request.cookie("b"), "");
  EXPECT_EQ(request.cookie("c"), "3");
  EXPECT_FALSE(request.cookie("A"));
  EXPECT_FALSE(request.cookie("deployclaw"));
}

TEST(Message, DecodesQueryValues) {
  Request request;
  request.query = "q=a+b%26&limit=5&flag&bad=%zz&q=second";
  EXPECT_EQ(request.query_value("q"), "a b&");
  EXPECT_EQ(request.query_value("flag"), "");
  EXPECT_FALSE(request.query_value("bad"));
  EXPECT_FALSE(request.query_value("none"));
}

TEST(Path, DecodesOnce) {
  EXPECT_EQ(*canonical_path("/"), "/");
  EXPECT_EQ(*canonical_path("/api/agents/a%20b"), "/api/agents/a b");
  EXPECT_EQ(*canonical_path("/caf%C3%A9/"), "/caf\u00e9/");
  EXPECT_EQ(*canonical_path("/..."), "/...");
}

TEST(Path, RefusesWhatTwoReadersWouldReadDifferently) {
  for (const std::string& raw :
       {""s,       "a"s,         "//"s,    "/a//b"s,  "/."s,     "/.."s,    "/a/../b"s,
        "/a/./b"s, "/%2e%2e/b"s, "/.%2E"s, "/a%2fb"s, "/a%2Fb"s, "/a%5cb"s, "/a\\b"s,
        "/a%00"s,  "/a%0a"s,     "/a%7f"s, "/%252e"s, "/%"s,     "/%4"s,    "/%zz"s,
        "/%ff"s,   "/%c0%af"s,   "/a?b"s,  "/a#b"s,   "/a%25"s,  "/\0"s}) {
    EXPECT_FALSE(canonical_path(raw)) << raw;
  }
}

TEST(Path, EncodesEverythingButUnreserved) {
  EXPECT_EQ(percent_encode("a/b c~\xff"), "a%2Fb%20c~%FF");
  EXPECT_EQ(percent_decode(percent_encode("\x01%/ \xff")), "\x01%/ \xff");
}

TEST(Problem, TellsThePublicTextAndNeverTheMessage) {
  const Error error{.code = Code::kNotFound, .message = "select failed on host db1"};
  const auto response = problem(error, "r1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  EXPECT_EQ(response.body.find("db1"), std::string::npos);
  const auto body = boost::json::parse(response.body).as_object();
  EXPECT_EQ(body.at("type"), "/problems/not_found");
  EXPECT_EQ(body.at("code"), "not_found");
  EXPECT_EQ(body.at("status"), 404);
  EXPECT_EQ(body.at("requestId"), "r1");
  EXPECT_FALSE(body.contains("errors"));
}

TEST(Problem, CarriesReasonFieldsExtensionsAndRetryAfter) {
  Error error{.code = Code::kForbidden,
              .message = "stale",
              .reason = "two_factor_required",
              .public_detail = "Verify."};
  error.fields = {{"/a", "is wrong"}};
  error.retry_after_seconds = 30;
  ProblemMembers members;
  members.emplace_back("maxAge", 600);
  members.emplace_back("status", 200);
  const auto response = problem(error, "r", std::move(members));
  EXPECT_EQ(response.headers.get("retry-after"), "30");
  const auto body = boost::json::parse(response.body).as_object();
  EXPECT_EQ(body.at("type"), "/problems/two_factor_required");
  EXPECT_EQ(body.at("detail"), "Verify.");
  EXPECT_EQ(body.at("maxAge"), 600);
  EXPECT_EQ(body.at("status"), 403);
  EXPECT_EQ(body.at("errors").at(0).at("pointer"), "/a");
}

TEST(Problem, EveryCodeHasAnErrorStatus) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const auto& known = public_code(static_cast<Code>(i));
    EXPECT_GE(known.status, 400);
    EXPECT_FALSE(known.code.empty());
    EXPECT_FALSE(reason_phrase(known.status).empty());
  }
}

TEST(Sse, SplitsDataIntoLines) {
  EXPECT_EQ(format_sse({.id = "7", .event = "agent", .data = "a\nb\r\nc\rd"}),
            "id: 7\nevent: agent\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(format_sse({.data = ""}), "data: \n\n");
}

TEST(Sse, CannotBeForged) {
  EXPECT_EQ(format_sse({.id = "1\nevent: x", .event = "a\ndata: y", .data = "z"}),
            "event: a\ndata: z\n\n");
  EXPECT_EQ(sse_comment("a\ndata: x"), ": a\n: data: x\n\n");
}

TEST(Cookie, WritesTheSafeDefaults) {
  SetCookie cookie{.name = "__Host-deployclaw", .value = "abc"};
  EXPECT_EQ(to_header_value(cookie),
            "__Host-deployclaw=abc; Path=/; Secure; HttpOnly; SameSite=Strict");
  cookie.max_age = std::chrono::seconds(0);
  EXPECT_NE(to_header_value(cookie).find("; Max-Age=0"), std::string::npos);
  cookie.value = "a;b";
  EXPECT_THROW(to_header_value(cookie), std::invalid_argument);
}

TEST(ETag, ComparesStrongly) {
  const auto tag = make_etag("v1");
  EXPECT_EQ(tag, "\"v1\"");
  EXPECT_TRUE(if_match_admits("\"v1\"", tag));
  EXPECT_TRUE(if_match_admits(" \"a,b\" , \"v1\"", tag));
  EXPECT_TRUE(if_match_admits("*", tag));
  for (const char* bad : {"W/\"v1\"", "\"v2\"", "v1", "", "\"v1", "\"v1\" \"x\""}) {
    EXPECT_FALSE(if_match_admits(bad, tag)) << bad;
  }
  EXPECT_TRUE(if_none_match_names("W/\"v1\"", tag));
}

}  // namespace
}  // namespace deployclaw::http
