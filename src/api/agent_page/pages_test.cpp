#include "api/agent_page/pages.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "api/agent_page/forward.hpp"
#include "api/testing/deploying.hpp"
#include "base/await.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"

namespace deployclaw::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

// What an agent would be: answers with what it was asked, and echoes on a WebSocket.
class FakeAgent {
 public:
  explicit FakeAgent(Fixture& fixture)
      : fixture_(fixture),
        server_(fixture.io.get_executor(), [](http::Request r) { return answer(std::move(r)); }) {
    server_.divert(
        {.wants = [](const http::RequestHead& head) { return agent_page::is_websocket(head); },
         .carry = [this](net::Diverted d) { return echo(std::move(d)); }});
    EXPECT_TRUE(server_.listen_tcp(address(), 18789));
  }
  ~FakeAgent() { fixture_.run(server_.stop(std::chrono::milliseconds(0))); }

  // The port is the runtime's; the address is this process's own, as tests run side by side.
  static std::string address() {
    const auto pid = static_cast<unsigned>(getpid());
    return fmt::format("127.{}.{}.{}", 41 + (pid >> 16U) % 64, (pid >> 8U) & 255U, pid & 255U);
  }
  std::string switched_head;  // of the last WebSocket, as it came

 private:
  static Task<http::Response> answer(http::Request request) {
    http::Response response;
    response.headers.add("Content-Type", "text/plain");
    response.headers.add("Set-Cookie", "theme=dark; Domain=agents.localhost");
    response.body = request.method_text + " " + request.path + "\n";
    for (const auto& [name, value] : request.headers.all()) {
      response.body += name + ": " + value + "\n";
    }
    response.body += "\n" + request.body;
    co_return response;
  }
  Task<void> echo(net::Diverted diverted) {
    switched_head.clear();
    for (const auto& [name, value] : diverted.head.headers.all()) {
      switched_head += name + ": " + value + "\n";
    }
    const std::string agreed =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    (void)co_await diverted.stream->write_all(agreed);
    std::string buffer(1024, '\0');
    while (true) {
      const auto got = co_await diverted.stream->read_some(buffer.data(), buffer.size());
      if (!got || *got == 0) co_return;
      const std::string text = "echo " + buffer.substr(0, *got);
      (void)co_await diverted.stream->write_all(text);
    }
  }

  Fixture& fixture_;
  net::HttpServer server_;
};

class AgentPage : public ::testing::Test {
 protected:
  AgentPage() : agent(api), ada(api), bob(api) {
    ada.sign_up("ada@example.com");
    bob.sign_up("bob@example.com");
    id = deploy(ada, "hers");
    Fixture::sql(
        "INSERT INTO agent_observations (agent_id, client_id, address) SELECT id, "
        "client_id, '" +
        FakeAgent::address() + "' FROM agents");
  }

  [[nodiscard]] std::string host() const { return id + ".agents.localhost"; }
  [[nodiscard]] std::string origin() const { return "http://" + host(); }
  net::ClientResponse send(net::ClientRequest request) {
    request.headers.add("Host", host());
    auto answer = api.run(net::fetch(net::Endpoint::tcp("127.0.0.1", api.server->port()),
                                     std::move(request), std::chrono::seconds(20)));
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return {};
    }
    return std::move(*answer);
  }
  net::ClientResponse get(std::string target, std::string cookie = "") {
    net::ClientRequest request{.target = std::move(target)};
    if (!cookie.empty()) request.headers.add("Cookie", "a=b; " + cookie);
    return send(std::move(request));
  }
  // The path behind the ticket's origin.
  std::string ticket(Client& client) {
    const auto answer = client.post("/api/agents/" + id + "/page-ticket");
    EXPECT_EQ(answer.status, 200) << answer.text;
    const auto url = answer.string_at("url");
    EXPECT_TRUE(url.starts_with(origin() + "/")) << url;
    return url.substr(origin().size());
  }
  std::string enter(Client& client) {
    const auto answer = get(ticket(client));
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string set(answer.headers.get("set-cookie").value_or(""));
    EXPECT_THAT(set, HasSubstr("HttpOnly"));
    EXPECT_THAT(set, HasSubstr("SameSite=Strict"));
    EXPECT_THAT(set, Not(HasSubstr("Domain")));
    return set.substr(0, set.find(';'));
  }
  [[nodiscard]] std::string token() {
    vault::TokenContext context;
    context.client = *ClientId::parse(ada.client_id);
    context.client_salt = *hex_decode(Fixture::sql(
        "SELECT encode(vault_salt, 'hex') FROM clients WHERE id = '" + ada.client_id + "'"));
    context.agent = *AgentId::parse(id);
    const auto derived = api.run(api.vault.derive_token(std::move(context)));
    return derived ? std::string(derived->token.expose_text()) : "";
  }

  Fixture api;
  FakeAgent agent;
  Client ada;
  Client bob;
  std::string id;
};

TEST_F(AgentPage, ATicketOpensItOnceAndTheAgentHearsWhoAsks) {
  const auto path = ticket(ada);
  const auto entered = get(path);
  EXPECT_EQ(entered.status, 200);
  EXPECT_EQ(entered.headers.get("refresh"), "0; url=/");
  EXPECT_EQ(get(path).status, 401) << "a second use";
  const std::string set(entered.headers.get("set-cookie").value_or(""));
  const auto page = get("/some%20where", set.substr(0, set.find(';')));
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("GET /some where\n"));
  EXPECT_THAT(page.body, HasSubstr("Authorization: Bearer " + token() + "\n"));
  EXPECT_THAT(page.body, HasSubstr("X-Forwarded-User: ada@example.com\n"));
  EXPECT_THAT(page.body, HasSubstr("X-Forwarded-For: 192.0.2.1\n"));
  EXPECT_THAT(page.body, HasSubstr("Cookie: a=b\n"));
  EXPECT_THAT(page.body, Not(HasSubstr("deployclaw-page")));
  EXPECT_FALSE(page.headers.get("set-cookie")) << "it was for more than this host";
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'agent_page_opened'"),
            "1");
}

TEST_F(AgentPage, ABodyPassesAndNothingBehindIt) {
  const auto cookie = enter(ada);
  net::ClientRequest request{.method = http::Method::kPost, .target = "/upload"};
  request.headers.add("Cookie", cookie);
  request.headers.add("Origin", origin());
  request.body = std::string(100'000, 'x');
  const auto answer = send(std::move(request));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\n\n" + std::string(100'000, 'x')));
  net::ClientRequest foreign{.method = http::Method::kPost, .target = "/upload"};
  foreign.headers.add("Cookie", cookie);
  foreign.headers.add("Origin", "http://evil.example");
  EXPECT_EQ(send(std::move(foreign)).status, 403);
}

TEST_F(AgentPage, WithoutATicketNothingOpens) {
  EXPECT_EQ(get("/").status, 401);
  EXPECT_EQ(get("/", "__Host-deployclaw-page=" + std::string(43, 'A')).status, 401);
  EXPECT_EQ(get("/", "__Host-deployclaw=" + ada.cookie).status, 401) << "the dashboard's own";
  EXPECT_EQ(get("/~deployclaw/enter?ticket=" + std::string(43, 'A')).status, 401);
  EXPECT_EQ(get("/~deployclaw/enter?ticket=x").status, 401);
  EXPECT_EQ(get("/api/branding").status, 401) << "nothing of the dashboard answers here";
}

TEST_F(AgentPage, ATicketIsForOneAgentAndForAMinute) {
  const auto late = ticket(ada);
  Fixture::sql("UPDATE page_sessions SET created_at = created_at - interval '61 seconds'");
  EXPECT_EQ(get(late).status, 401);
  const auto cookie = enter(ada);
  const auto first = id;
  id = deploy(ada, "second");
  EXPECT_EQ(get("/", cookie).status, 401) << "another agent's host";
  id = first;
  EXPECT_EQ(get("/", cookie).status, 200);
}

TEST_F(AgentPage, OnlyItsOwnersMembersGetATicket) {
  const std::string path = "/api/agents/" + id + "/page-ticket";
  EXPECT_EQ(bob.post(path).status, 404);
  api.clock.advance(std::chrono::minutes(11));
  EXPECT_EQ(ada.post(path).code(), "two_factor_required");
  ada.step_up();
  EXPECT_EQ(ada.post(path).status, 200);
  Fixture::sql("UPDATE agents SET desired_state = 'stopped'");
  EXPECT_EQ(ada.post(path).code(), "agent_not_running");
  Fixture::sql("UPDATE agents SET desired_state = 'running'");
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(ada.post(path).code(), "role_insufficient");
}

TEST_F(AgentPage, AVisitEndsWithSignInRoleAndAgent) {
  const auto cookie = enter(ada);
  EXPECT_EQ(get("/", cookie).status, 200);
  ada.step_up();
  EXPECT_EQ(get("/", cookie).status, 200) << "step-up replaces the session, not the sign-in";
  Fixture::sql("UPDATE agents SET desired_state = 'stopped'");
  EXPECT_EQ(get("/", cookie).status, 503);
  Fixture::sql("UPDATE agents SET desired_state = 'running'");
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(get("/", cookie).status, 401);
  Fixture::sql("UPDATE users SET role = 'member'");
  EXPECT_EQ(get("/", cookie).status, 200);
  Fixture::sql("UPDATE clients SET status = 'suspended'");
  EXPECT_EQ(get("/", cookie).status, 401);
  Fixture::sql("UPDATE clients SET status = 'active'");
  ada.post("/api/auth/logout");
  EXPECT_EQ(get("/", cookie).status, 401);
}

TEST_F(AgentPage, AnAgentThatIsNotThereIsSaid) {
  const auto cookie = enter(ada);
  Fixture::sql("UPDATE agent_observations SET address = '127.41.7.4'");
  EXPECT_EQ(get("/", cookie).status, 502);
  Fixture::sql("UPDATE agent_observations SET address = NULL");
  EXPECT_EQ(get("/", cookie).status, 503);
}

class WebSockets : public AgentPage {
 protected:
  // A connection that has sent `bytes`; reads until `wanted` or the end.
  struct Raw {
    explicit Raw(boost::asio::any_io_executor executor) : socket(executor) {}
    boost::asio::ip::tcp::socket socket;
    std::string text;
  };
  std::shared_ptr<Raw> connect() {
    auto raw = std::make_shared<Raw>(api.io.get_executor());
    boost::system::error_code error;
    raw->socket.connect({boost::asio::ip::make_address("127.0.0.1"), api.server->port()}, error);
    EXPECT_FALSE(error);
    return raw;
  }
  static Task<void> exchange(std::shared_ptr<Raw> raw, std::string bytes, std::string wanted) {
    if (!bytes.empty()) {
      const auto buffer = boost::asio::buffer(bytes);
      co_await boost::asio::async_write(raw->socket, buffer, kAwait);
    }
    std::array<char, 4096> piece{};
    while (!raw->text.contains(wanted)) {
      const auto space = boost::asio::buffer(piece);
      const auto [error, count] = co_await raw->socket.async_read_some(space, kAwait);
      if (error) {
        raw->text += "(end)";
        co_return;
      }
      raw->text.append(piece.data(), count);
    }
  }
  [[nodiscard]] std::string handshake(const std::string& cookie, std::string_view from) const {
    return "GET /ws HTTP/1.1\r\nHost: " + host() +
           "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
           "Origin: " +
           std::string(from) + "\r\nCookie: " + cookie + "\r\n\r\n";
  }
};

TEST_F(WebSockets, PassBothWaysUntilTheVisitEnds) {
  const auto cookie = enter(ada);
  const auto raw = connect();
  api.run(exchange(raw, handshake(cookie, origin()), "\r\n\r\n"));
  EXPECT_TRUE(raw->text.starts_with("HTTP/1.1 101 ")) << raw->text;
  EXPECT_THAT(agent.switched_head, HasSubstr("Authorization: Bearer " + token()));
  EXPECT_THAT(agent.switched_head, Not(HasSubstr("deployclaw-page")));
  api.run(exchange(raw, "hello", "echo hello"));
  ada.post("/api/auth/logout");
  raw->text.clear();
  api.run(exchange(raw, "", "(nothing more comes)"));
  EXPECT_EQ(raw->text, "(end)");
}

TEST_F(WebSockets, AreForThePageItselfAlone) {
  const auto cookie = enter(ada);
  for (const std::string from : {"http://evil.example", "http://localhost", "null"}) {
    const auto raw = connect();
    api.run(exchange(raw, handshake(cookie, from), "(never)"));
    EXPECT_TRUE(raw->text.starts_with("HTTP/1.1 403 ")) << from << raw->text;
  }
  const auto raw = connect();
  api.run(exchange(raw, handshake("a=b", origin()), "(never)"));
  EXPECT_TRUE(raw->text.starts_with("HTTP/1.1 401 ")) << raw->text;
}

TEST_F(WebSockets, ARequestHiddenBehindAnotherDoesNotPass) {
  const auto cookie = enter(ada);
  const auto raw = connect();
  const std::string first =
      "GET /one HTTP/1.1\r\nHost: " + host() + "\r\nCookie: " + cookie + "\r\n\r\n";
  const std::string second = "GET /two HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer forged\r\n\r\n";
  api.run(exchange(raw, first + second, "(never)"));
  EXPECT_THAT(raw->text, HasSubstr("GET /one"));
  EXPECT_THAT(raw->text, Not(HasSubstr("/two")));
}

}  // namespace
}  // namespace deployclaw::api
