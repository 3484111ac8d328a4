#include "api/agent_page/forward.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/agent_page/host.hpp"

namespace deployclaw::api::agent_page {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kId = "3b241101-e2bb-4255-8caf-4136c566a962";
constexpr std::string_view kOrigin = "http://page.agents.localhost:8080";

http::RequestHead request(std::string fields, std::string_view line = "GET /x?y=%2F HTTP/1.1") {
  auto head = http::parse_request_head(
      std::string(line) + "\r\nHost: page.agents.localhost:8080\r\n" + fields + "\r\n");
  if (!head) {
    ADD_FAILURE() << head.error().message;
    return {};
  }
  return std::move(*head);
}

http::ResponseHead response(std::string fields, std::string_view status = "200 OK") {
  auto head = http::parse_response_head(
      "HTTP/1.1 " + std::string(status) + "\r\n" + fields + "\r\n", http::Method::kGet);
  if (!head) {
    ADD_FAILURE() << head.error().message;
    return {};
  }
  return std::move(*head);
}

const Caller kCaller{.address = "203.0.113.9",
                     .proto = "https",
                     .fields = {{"X-Agent-User-tok3n", "ada@example.com"},
                                {"Origin", "https://console.example.com"}}};

const std::string kUpgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";

TEST(AgentHead, SaysWhoAsksAndTakesTheBrowsersWordForNothing) {
  const auto head = agent_head(
      request("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-User: eve\r\nX-Real-IP: 1.1.1.1\r\n"
              "Forwarded: for=1.1.1.1\r\nx-agent-user-TOK3N: eve\r\nAuthorization: Bearer x\r\n"
              "X-OpenClaw-Scopes: operator.admin\r\nX-DeployClaw-User-x: eve\r\n"
              "Accept: text/html\r\n"),
      kCaller);
  EXPECT_TRUE(head.starts_with("GET /x?y=%2F HTTP/1.1\r\n")) << head;
  for (const char* gone : {"1.1.1.1", "eve", "Bearer", "operator.admin"}) {
    EXPECT_THAT(head, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 203.0.113.9\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Agent-User-tok3n: ada@example.com\r\n"));
  EXPECT_THAT(head, HasSubstr("Accept: text/html\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Origin"))) << "it is not made up";
}

TEST(AgentHead, KeepsOurCookiesAndTellsTheOthers) {
  const auto head = agent_head(
      request(
          "Cookie: __Host-deployclaw-page=secret1; theme=dark;__Host-deployclaw=secret2; a=b\r\n"),
      kCaller);
  EXPECT_THAT(head, Not(HasSubstr("secret")));
  EXPECT_THAT(head, HasSubstr("Cookie: theme=dark; a=b\r\n"));
}

TEST(AgentHead, WhatBelongsToOneConnectionStaysThere) {
  const auto head = agent_head(
      request("Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: x\r\nTE: trailers\r\n"
              "Content-Length: 3\r\n",
              "POST / HTTP/1.1"),
      kCaller);
  EXPECT_THAT(head, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(head, Not(HasSubstr("eep-")));
  EXPECT_THAT(head, HasSubstr("Content-Length: 3\r\n"));
}

TEST(AgentHead, AWebSocketAsksToSwitchAndTellsTheKnownOrigin) {
  const auto asked =
      request(kUpgrade + "Origin: " + std::string(kOrigin) + "\r\nSec-WebSocket-Key: k\r\n");
  ASSERT_TRUE(is_websocket(asked));
  const auto head = agent_head(asked, kCaller);
  EXPECT_THAT(head, HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Key: k\r\n"));
  EXPECT_THAT(head, HasSubstr("Origin: https://console.example.com\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Origin: " + std::string(kOrigin))));
}

TEST(BrowserHead, DropsCookiesForMoreThanThisHostAndForOurNames) {
  const auto head = browser_head(response(
      "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Domain=agents.localhost\r\n"
      "Set-Cookie: __Host-deployclaw-page=x; Secure\r\nSet-Cookie: c=3 ; DOMAIN = localhost\r\n"
      "Strict-Transport-Security: max-age=1; includeSubDomains\r\nAlt-Svc: h3\r\n"
      "Content-Length: 5\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(head, HasSubstr("Set-Cookie: a=1; Path=/\r\n"));
  for (const char* gone : {"b=2", "deployclaw", "c=3", "Strict", "Alt-Svc", "keep-alive"}) {
    EXPECT_THAT(head, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Frame-Options: DENY\r\n"));
  EXPECT_THAT(browser_head(response("Transfer-Encoding: chunked\r\n")),
              HasSubstr("Transfer-Encoding: chunked\r\n"));
}

TEST(ForeignRequest, APageOfAnotherSiteCanOpenThePageAndNoMore) {
  const auto refused = [](const http::RequestHead& head) {
    return !foreign_request(head, kOrigin).empty();
  };
  const std::string ours = "Origin: " + std::string(kOrigin) + "\r\n";
  const std::string theirs = "Origin: http://other.agents.localhost:8080\r\n";
  EXPECT_FALSE(refused(request("")));
  EXPECT_FALSE(refused(request("Sec-Fetch-Site: none\r\n")));
  EXPECT_FALSE(refused(request("Sec-Fetch-Site: same-origin\r\n")));
  EXPECT_FALSE(refused(request(
      "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")));
  EXPECT_TRUE(refused(request(
      "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n")));
  EXPECT_TRUE(refused(request("Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n")));
  EXPECT_TRUE(refused(request(theirs)));
  EXPECT_FALSE(refused(request(kUpgrade + ours)));
  EXPECT_TRUE(refused(request(kUpgrade)));
  EXPECT_TRUE(refused(request(kUpgrade + theirs)));
  constexpr std::string_view kPost = "POST / HTTP/1.1";
  EXPECT_TRUE(refused(request("Content-Length: 0\r\n", kPost)));
  EXPECT_TRUE(refused(request(theirs + "Content-Length: 0\r\n", kPost)));
  EXPECT_FALSE(refused(request(ours + "Content-Length: 0\r\n", kPost)));
  EXPECT_TRUE(
      refused(request(ours + "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n", kPost)));
}

TEST(FillField, FillsEachPlaceholderOnceAndNotInItsValues) {
  const FieldValues values{
      .gateway_token = "t", .page_key = "k", .user = "${gateway_token}", .public_origin = "o"};
  EXPECT_EQ(fill_field("X-${page_key}-${gateway_token}", values), "X-k-t");
  EXPECT_EQ(fill_field("${user}|${public_origin}", values), "${gateway_token}|o");
}

TEST(AgentsHost, EachAgentHasAHostOfItsOwn) {
  const auto id = AgentId::parse(kId);
  const std::string host = std::string(kId) + ".agents.localhost";
  EXPECT_EQ(agent_of_host(host + ":8080", "agents.localhost"), id);
  EXPECT_EQ(agent_of_host(host, "agents.localhost:9"), id);
  EXPECT_FALSE(agent_of_host("agents.localhost", "agents.localhost"));
  EXPECT_FALSE(agent_of_host("a." + host, "agents.localhost"));
  EXPECT_FALSE(agent_of_host(std::string(kId) + ".evil.localhost", "agents.localhost"));
  for (const char* below : {"agents.localhost", "x.agents.localhost:1", "X.AGENTS.localhost."}) {
    EXPECT_TRUE(is_agents_host(below, "agents.localhost")) << below;
  }
  for (const char* other : {"localhost:8080", "xagents.localhost", "127.0.0.1", "", "[::1]:1"}) {
    EXPECT_FALSE(is_agents_host(other, "agents.localhost")) << other;
  }
}

TEST(AgentsHost, OriginsFollowTheDashboards) {
  const auto id = *AgentId::parse(kId);
  const std::string name(kId);
  EXPECT_EQ(page_origin(id, "agents.localhost", "http://localhost:8080"),
            "http://" + name + ".agents.localhost:8080");
  EXPECT_EQ(page_origin(id, "agents.example.net", "https://console.example.com/"),
            "https://" + name + ".agents.example.net");
  EXPECT_EQ(page_origin(id, "agents.example.net:8443", "https://console.example.com"),
            "https://" + name + ".agents.example.net:8443");
}

TEST(AgentsHost, NeverOfTheDashboardsSite) {
  EXPECT_TRUE(check_agents_host("agents.localhost", "http://localhost:8080"));
  EXPECT_TRUE(check_agents_host("agents.example.net", "https://console.example.com"));
  EXPECT_FALSE(check_agents_host("agents.example.com", "https://console.example.com"));
  EXPECT_FALSE(check_agents_host("console.example.com", "https://console.example.com"));
  EXPECT_FALSE(check_agents_host("agents.example.co.uk", "https://example.co.uk"));
  EXPECT_FALSE(check_agents_host("agents.localhost", "http://agents.localhost"));
  EXPECT_FALSE(check_agents_host("not a host", "https://console.example.com"));
}

}  // namespace
}  // namespace deployclaw::api::agent_page
