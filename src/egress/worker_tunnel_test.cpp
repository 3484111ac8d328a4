// Inside a tunnel: TLS that is intercepted, bytes that are carried unread, upgrades. In this
// process, so that the sanitizers see what a hostile end does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/json/serialize.hpp>

#include "crypto/certificates.hpp"
#include "egress/testing/worker_rig.hpp"
#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using net::testing::read_to_end;
using net::testing::run_task;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SmallOrigin;
using ::testing::StartsWith;
using testing::WorkerRig;

class TunnelTest : public ::testing::Test {
 protected:
  TunnelTest() : authority_(*crypto::make_authority("a client's", SystemClock().now())) {
    config_ = rig.config();
    config_.authority_certificate = authority_.certificate_pem;
    config_.authority_key = authority_.private_key_pem.clone();
    rig.configure(config_);
  }

  // The agent's end of a connection that was led in as told.
  std::unique_ptr<net::ByteStream> connect(Entrance entrance = Entrance::kProxy,
                                           Ipv4 destination = {}, std::uint16_t port = 0) {
    auto pair = net::testing::connect_pair(rig.io, timer_);
    rig.hand_over(pair.server->raw().native_handle(), entrance, destination, port);
    // The packet is on its way with a copy of the socket, ours would keep it open.
    pair.server.reset();
    return std::move(pair.client);
  }
  // … behind a CONNECT that was agreed to.
  std::unique_ptr<net::ByteStream> tunnel() {
    auto agent = connect();
    const auto head = "CONNECT " + rig.origin_authority() + " HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_TRUE(run_task(rig.io, agent->write_all(head)));
    const std::string agreed = "HTTP/1.1 200 Connection Established\r\n\r\n";
    EXPECT_EQ(run_task(rig.io, net::testing::read_exactly(*agent, agreed.size())), agreed);
    return agent;
  }
  net::TlsClientContext trusting(const crypto::Authority& authority) {
    return *net::TlsClientContext::create(authority.certificate_pem);
  }
  std::string reason() {
    const auto event = rig.told(RecordKind::kEvent);
    return json::serialize(event.json);
  }
  std::size_t count(RecordKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count(rig.records(), kind, &testing::ToldRecord::kind));
  }

  WorkerRig rig;
  net::CoarseTimer timer_{rig.io.get_executor()};
  crypto::Authority authority_;
  WorkerConfig config_;
};

// ---- TLS.

TEST_F(TunnelTest, IsReadBehindTheClientsOwnAuthority) {
  auto context = trusting(authority_);
  const auto agent = tunnel();
  const auto shaken =
      run_task(rig.io, agent->handshake_client(context, WorkerRig::kHost, rig.origin.port()));
  ASSERT_TRUE(shaken) << shaken.error().message;
  const auto request =
      "GET /inside HTTP/1.1\r\nHost: " + rig.origin_authority() + "\r\nConnection: close\r\n\r\n";
  ASSERT_TRUE(run_task(rig.io, agent->write_all(request)));
  // The origin of the rig speaks no TLS, and in the clear nothing may go there.
  EXPECT_THAT(run_task(rig.io, read_to_end(*agent)).value_or(""), StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(rig.origin.bytes(), Not(HasSubstr("/inside")));
  EXPECT_THAT(json::serialize(rig.told(RecordKind::kIntent).json), HasSubstr(WorkerRig::kHost));
}

TEST_F(TunnelTest, RefusesAServerNameThatIsNotTheConnections) {
  auto context = trusting(authority_);
  const auto agent = tunnel();
  EXPECT_FALSE(run_task(rig.io, agent->handshake_client(context, "front.example.com", 443)));
  EXPECT_THAT(reason(), HasSubstr("the TLS server name is not the connection's host"));
  EXPECT_THAT(reason(), HasSubstr("front.example.com"));
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(TunnelTest, AnAgentThatTrustsAnotherAuthorityIsTold) {
  auto context = trusting(*crypto::make_authority("another client's", SystemClock().now()));
  const auto agent = tunnel();
  const auto shaken =
      run_task(rig.io, agent->handshake_client(context, WorkerRig::kHost, rig.origin.port()));
  ASSERT_FALSE(shaken);
  EXPECT_EQ(shaken.error().reason, "upstream_certificate");
  EXPECT_THAT(reason(), HasSubstr("broke the handshake off"));
  EXPECT_EQ(rig.origin.connections(), 0U);
}

// A client of OpenSSL's own, that sends no server name and believes everything.
class NamelessClient {
 public:
  explicit NamelessClient(net::ByteStream& stream)
      : stream_(stream), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
  }
  ~NamelessClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  NamelessClient(const NamelessClient&) = delete;
  NamelessClient& operator=(const NamelessClient&) = delete;

  Task<std::string> ask(std::string request) {
    while (SSL_do_handshake(ssl_) != 1) {
      const bool goes_on = co_await exchange();
      if (!goes_on) co_return "";
    }
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    std::string answer;
    std::array<char, 4096> plain{};
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const bool goes_on = co_await exchange();
      if (!goes_on) break;
      for (int got = 1; got > 0;) {
        got = SSL_read(ssl_, plain.data(), static_cast<int>(plain.size()));
        if (got > 0) answer.append(plain.data(), static_cast<std::size_t>(got));
      }
    }
    co_return answer;
  }

 private:
  // Gives what OpenSSL wants to send, and takes what comes.
  Task<bool> exchange() {
    std::array<char, 16'384> bytes{};
    const int out = BIO_read(SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    if (out > 0) {
      const std::string_view piece(bytes.data(), static_cast<std::size_t>(out));
      const auto written = co_await stream_.write_all(piece);
      if (!written) co_return false;
    }
    const auto got = co_await stream_.read_some(bytes.data(), bytes.size());
    if (!got || *got == 0) co_return false;
    BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(*got));
    co_return true;
  }

  net::ByteStream& stream_;
  SSL_CTX* context_;
  SSL* ssl_;
};

TEST_F(TunnelTest, AClientWithoutAServerNameIsReadAsTheConnectionsHost) {
  const auto agent = tunnel();
  NamelessClient client(*agent);
  const auto answer = run_task(
      rig.io, client.ask("GET / HTTP/1.1\r\nHost: " + rig.origin_authority() + "\r\n\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 ")) << "read, and sent on over TLS only";
  EXPECT_EQ(count(RecordKind::kEvent), 0U);
  const auto other = tunnel();
  NamelessClient fronting(*other);
  const auto refused =
      run_task(rig.io, fronting.ask("GET / HTTP/1.1\r\nHost: front.example.com\r\n\r\n"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 "));
}

TEST_F(TunnelTest, HalfAClientHelloAndGarbageBehindItEndTheConnection) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
        std::string("\x16\x03\x01\xff\xff") + std::string(20'000, '\xff'),
        std::string("\x16\x03\x01\x00\x00", 5), std::string("\x16\x02")}) {
    const auto agent = tunnel();
    ASSERT_TRUE(run_task(rig.io, agent->write_all(bytes)));
    (void)run_task(rig.io, agent->shutdown_send());
    EXPECT_EQ(run_task(rig.io, read_to_end(*agent)).value_or(""), "");
  }
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(TunnelTest, WithoutAnAuthorityNothingIsIntercepted) {
  WorkerRig bare;
  bare.configure(bare.config());
  net::CoarseTimer timer(bare.io.get_executor());
  auto pair = net::testing::connect_pair(bare.io, timer);
  bare.hand_over(pair.server->raw().native_handle());
  pair.server.reset();
  const auto head = "CONNECT " + bare.origin_authority() + " HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_TRUE(run_task(bare.io, pair.client->write_all(head)));
  (void)run_task(bare.io, net::testing::read_exactly(*pair.client, 39));
  auto context = trusting(authority_);
  EXPECT_FALSE(run_task(bare.io, pair.client->handshake_client(context, WorkerRig::kHost, 443)));
  EXPECT_THAT(json::serialize(bare.told(RecordKind::kEvent).json),
              HasSubstr("no certificate authority yet"));
}

// ---- Carried unread.

TEST_F(TunnelTest, WhatIsNoHttpIsCarriedAndCounted) {
  const auto agent = tunnel();
  ASSERT_TRUE(run_task(rig.io, agent->write_all(std::string("\0ping\n", 6))));
  ASSERT_TRUE(rig.until([&] { return rig.origin.bytes().size() == 6; }));
  EXPECT_EQ(rig.origin.bytes(), std::string("\0ping\n", 6));
  rig.settle();
  EXPECT_EQ(count(RecordKind::kIntent), 1U) << "told before";
  EXPECT_EQ(count(RecordKind::kOutcome), 0U);
  agent->close();
  const auto outcome = rig.told(RecordKind::kOutcome).json;
  EXPECT_EQ(outcome.at("outcome"), "success");
  EXPECT_EQ(outcome.at("metadata").at("bytesSent"), 6);
  EXPECT_EQ(outcome.at("metadata").at("bytesReceived"), 0);
}

TEST_F(TunnelTest, NothingIsCarriedWhileTheSpoolRefuses) {
  rig.set_spool(WorkerRig::Spool::kRefuses);
  const auto agent = tunnel();
  ASSERT_TRUE(run_task(rig.io, agent->write_all("\x01")));
  EXPECT_EQ(run_task(rig.io, read_to_end(*agent)).value_or(""), "");
  EXPECT_EQ(rig.origin.connections(), 0U);
}

TEST_F(TunnelTest, APortThatThePolicyDoesNotNameIsRefused) {
  auto agent = rig.connect();
  agent.send(std::string("CONNECT ") + WorkerRig::kHost + ":1 HTTP/1.1\r\nHost: a\r\n\r\n\x01");
  EXPECT_THAT(agent.read_to_end(), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(count(RecordKind::kIntent), 0U);
}

TEST_F(TunnelTest, AnyNewPolicyEndsWhatIsCarriedUnread) {
  const auto agent = tunnel();
  ASSERT_TRUE(run_task(rig.io, agent->write_all("\x01")));
  ASSERT_TRUE(rig.until([&] { return rig.origin.bytes().size() == 1; }));
  config_.version = 2;
  rig.configure(config_);
  EXPECT_EQ(run_task(rig.io, read_to_end(*agent)).value_or(""), "");
  const auto outcome = rig.told(RecordKind::kOutcome).json;
  EXPECT_EQ(outcome.at("outcome"), "failure");
  EXPECT_THAT(json::serialize(outcome), HasSubstr("policy changed"));
}

TEST_F(TunnelTest, ATunnelThatIsReadEndsWhenItsHostIsNoLongerAdmitted) {
  const auto agent = tunnel();
  ASSERT_TRUE(run_task(
      rig.io, agent->write_all("GET / HTTP/1.1\r\nHost: " + rig.origin_authority() + "\r\n\r\n")));
  const auto answer = SmallOrigin::with_length("ok");
  EXPECT_EQ(run_task(rig.io, net::testing::read_exactly(*agent, answer.size())), answer);
  config_.agents[0].permissions = json::object{{"scopes", json::array{}}};
  rig.configure(config_);
  EXPECT_EQ(run_task(rig.io, read_to_end(*agent)).value_or(""), "");
}

TEST_F(TunnelTest, AnAddressThatNoNameStandsForLeadsNowhere) {
  const auto agent = connect(Entrance::kTransparent, Ipv4(0xC6120001U), 443);
  EXPECT_EQ(run_task(rig.io, read_to_end(*agent)).value_or(""), "");
  EXPECT_THAT(reason(), HasSubstr("no admitted name stands for"));
  EXPECT_EQ(rig.origin.connections(), 0U);
}

// ---- Upgrades.

constexpr const char* kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST_F(TunnelTest, AnUpgradeThatTheUpstreamRefusesIsAnAnswerLikeAnyOther) {
  rig.origin.will_answer({.pieces = {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"}});
  auto agent = rig.connect();
  agent.send(rig.request("GET", "/socket", kUpgrade));
  EXPECT_THAT(agent.read_until("no"), StartsWith("HTTP/1.1 403 "));
  agent.send(rig.get("/next"));
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(TunnelTest, AnUpgradeThatNobodyAskedForIsNotPassedOn) {
  rig.origin.will_answer({.pieces = {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\n\r\nraw bytes"}});
  auto agent = rig.connect();
  agent.send(rig.get("/"));
  const auto answer = agent.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(answer, Not(HasSubstr("raw bytes")));
}

TEST_F(TunnelTest, AnUpgradeIsCarriedFrameByFrame) {
  rig.origin.will_answer({.pieces = {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\nSec-WebSocket-Accept: "
                                     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                                     "\x81\x05hello"},
                          .then = SmallOrigin::Then::kHolds});
  auto agent = rig.connect();
  agent.send(rig.request("GET", "/socket", kUpgrade));
  const auto answer = agent.read_until("hello");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(answer, ::testing::EndsWith("\x81\x05hello"));
}

}  // namespace
}  // namespace deployclaw::egress
