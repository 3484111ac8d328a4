#include "net/tls.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/random.hpp"
#include "net/testing/stream_pair.hpp"

namespace deployclaw::net {
namespace {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::read_exactly;
using testing::read_to_end;
using testing::run_both;
using testing::run_task;

constexpr auto kHost = "api.example.com";

// A server that stands in for any host, and a client that trusts its authority.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest()
      : authority_(*crypto::make_authority("Authority of a test", clock_.now())),
        contexts_(make_contexts(256)),
        roots_(*TlsClientContext::create(authority_.certificate_pem)) {}

  TlsServerContexts make_contexts(std::size_t capacity) {
    auto minter =
        crypto::LeafMinter::create(authority_.certificate_pem, authority_.private_key_pem);
    return *TlsServerContexts::create(*std::move(minter), clock_, capacity);
  }

  // Both ends after their handshakes; their outcomes in client_shaken_ and server_shaken_.
  testing::StreamPair shake(const std::string& shown = kHost, const std::string& wanted = kHost) {
    auto pair = connect_pair(io_, timer_);
    std::tie(client_shaken_, server_shaken_) =
        run_both(io_, pair.client->handshake_client(roots_, wanted, 443),
                 pair.server->handshake_server(contexts_, shown));
    return pair;
  }
  // As above where the client must refuse; what it says.
  Error refused(const std::string& shown = kHost, const std::string& wanted = kHost) {
    const auto pair = shake(shown, wanted);
    EXPECT_FALSE(client_shaken_);
    EXPECT_FALSE(server_shaken_);
    return client_shaken_ ? Error{} : client_shaken_.error();
  }

  ManualClock clock_{SystemClock{}.now()};
  boost::asio::io_context io_;
  CoarseTimer timer_{io_.get_executor()};
  crypto::Authority authority_;
  TlsServerContexts contexts_;
  TlsClientContext roots_;
  Status client_shaken_;
  Status server_shaken_;
};

TEST_F(TlsTest, ShakesHandsAndCarriesBytesBothWays) {
  const auto pair = shake();
  ASSERT_TRUE(client_shaken_) << client_shaken_.error().message;
  ASSERT_TRUE(server_shaken_) << server_shaken_.error().message;
  EXPECT_TRUE(pair.client->is_tls());
  ASSERT_TRUE(run_task(io_, pair.client->write_all("question")));
  EXPECT_EQ(*run_task(io_, read_exactly(*pair.server, 8)), "question");
  ASSERT_TRUE(run_task(io_, pair.server->write_all("answer")));
  EXPECT_EQ(*run_task(io_, read_exactly(*pair.client, 6)), "answer");
  EXPECT_FALSE(pair.client->resumed());
}

TEST_F(TlsTest, ResumesForTheSameHostAndForNoOther) {
  for (int i = 0; i < 3; ++i) {
    const auto pair = shake();
    ASSERT_TRUE(client_shaken_ && server_shaken_);
    EXPECT_EQ(pair.client->resumed(), i > 0);
    EXPECT_EQ(pair.server->resumed(), i > 0);
    // The ticket comes with what the server sends.
    ASSERT_TRUE(run_task(io_, pair.server->write_all("x")));
    ASSERT_TRUE(run_task(io_, read_exactly(*pair.client, 1)));
  }
  const auto other = shake("b.example", "b.example");
  ASSERT_TRUE(client_shaken_ && server_shaken_);
  EXPECT_FALSE(other.client->resumed());
  EXPECT_EQ(contexts_.minted(), 2U);
}

TEST_F(TlsTest, AResumedSessionIsNoWayAroundTheHostName) {
  {
    const auto pair = shake();
    ASSERT_TRUE(run_task(io_, pair.server->write_all("x")));
    ASSERT_TRUE(run_task(io_, read_exactly(*pair.client, 1)));
  }
  EXPECT_EQ(roots_.sessions(), 1U);
  // The server now shows another host's certificate; its ticket for the first is worth nothing.
  EXPECT_EQ(refused("b.example", kHost).code, Code::kForbidden);
}

TEST_F(TlsTest, RefusesAnotherHostName) {
  const Error error = refused("b.example", kHost);
  EXPECT_EQ(error.code, Code::kForbidden);
  EXPECT_EQ(error.reason, "upstream_certificate");
  EXPECT_EQ(error.public_detail, "the certificate is for another host name");
}

TEST_F(TlsTest, RefusesAnAddressThatTheCertificateDoesNotName) {
  EXPECT_EQ(refused(kHost, "127.0.0.1").public_detail, "the certificate is for another address");
}

TEST_F(TlsTest, RefusesAnExpiredCertificateAndOneOfTheFuture) {
  clock_.advance(-10 * 24h);
  EXPECT_EQ(refused().public_detail, "the certificate has expired");
  clock_.advance(20 * 24h);
  EXPECT_EQ(refused().public_detail, "the certificate is not yet valid");
}

TEST_F(TlsTest, RefusesAnUnknownAuthorityAndTellsTheServerWhy) {
  const auto other = crypto::make_authority("Authority of a test", clock_.now());
  roots_ = *TlsClientContext::create(other->certificate_pem);
  const Error error = refused();
  EXPECT_EQ(error.reason, "upstream_certificate");
  EXPECT_EQ(server_shaken_.error().code, Code::kMalformed);
}

TEST_F(TlsTest, BelievesAnExtraRoot) {
  const auto other = crypto::make_authority("Another", clock_.now());
  const std::string bundle = "# a comment\n" + other->certificate_pem;
  roots_ = *TlsClientContext::create(bundle, authority_.certificate_pem);
  shake();
  EXPECT_TRUE(client_shaken_);
}

TEST_F(TlsTest, FindsTheRightOneOfSeveralRootsOfOneName) {
  const auto other = crypto::make_authority("Authority of a test", clock_.now());
  const std::string before = other->certificate_pem + authority_.certificate_pem;
  const std::string behind = authority_.certificate_pem + other->certificate_pem;
  for (const auto& bundle : {before, behind}) {
    roots_ = *TlsClientContext::create(bundle);
    shake();
    EXPECT_TRUE(client_shaken_);
    shake();
    EXPECT_TRUE(client_shaken_);
  }
}

TEST_F(TlsTest, FindsARootAmongAllOfThisSystem) {
  std::ifstream file("/etc/ssl/certs/ca-certificates.crt");
  const std::string system{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(system.empty());
  roots_ = *TlsClientContext::create(system);
  EXPECT_EQ(refused().public_detail, "the certificate's authority is not trusted");
  roots_ = *TlsClientContext::create(system, authority_.certificate_pem);
  shake();
  EXPECT_TRUE(client_shaken_);
}

TEST_F(TlsTest, RootsThatCannotBeReadAreRefused) {
  EXPECT_FALSE(TlsClientContext::create(""));
  EXPECT_FALSE(TlsClientContext::create("no certificate here"));
  const std::string& good = authority_.certificate_pem;
  std::string cut = good + good.substr(0, good.size() / 2);
  EXPECT_FALSE(TlsClientContext::create(cut));
  EXPECT_FALSE(TlsClientContext::create(good, "-----BEGIN CERTIFICATE-----\nAAAA\n"));
}

TEST_F(TlsTest, HostsThatAreNoneAreRefused) {
  for (const char* host : {"", "A.example", "a..b", "*.example.com", "a b", "10.0.0"}) {
    EXPECT_FALSE(roots_.start(host, 443)) << host;
    EXPECT_FALSE(contexts_.start(host)) << host;
  }
  EXPECT_TRUE(roots_.start("10.0.0.1", 443));
  EXPECT_TRUE(roots_.start("::1", 443));
  EXPECT_FALSE(contexts_.start("10.0.0.1"));
}

TEST_F(TlsTest, MintsOnceAndForgetsTheLongestUnused) {
  contexts_ = make_contexts(2);
  for (const char* host : {"a.example", "b.example", "a.example", "c.example", "a.example"}) {
    ASSERT_TRUE(contexts_.start(host));
  }
  EXPECT_EQ(contexts_.minted(), 3U);
  EXPECT_EQ(contexts_.cached(), 2U);
  ASSERT_TRUE(contexts_.start("b.example"));
  EXPECT_EQ(contexts_.minted(), 4U);
}

TEST_F(TlsTest, MintsAnewBeforeACertificateExpires) {
  ASSERT_TRUE(contexts_.start(kHost));
  clock_.advance(6 * 24h - 1s);
  ASSERT_TRUE(contexts_.start(kHost));
  EXPECT_EQ(contexts_.minted(), 1U);
  clock_.advance(2s);
  ASSERT_TRUE(contexts_.start(kHost));
  EXPECT_EQ(contexts_.minted(), 2U);
  clock_.advance(-2 * 24h);  // a clock set right again must not leave certificates of the future
  ASSERT_TRUE(contexts_.start(kHost));
  EXPECT_EQ(contexts_.minted(), 3U);
}

TEST_F(TlsTest, HalfCloseLeavesTheOtherWayOpen) {
  const auto pair = shake();
  ByteStream& client = *pair.client;
  ByteStream& server = *pair.server;
  ASSERT_TRUE(run_task(io_, client.write_all("question")));
  ASSERT_TRUE(run_task(io_, client.shutdown_send()));
  EXPECT_EQ(*run_task(io_, read_to_end(server)), "question");
  EXPECT_FALSE(server.truncated());
  ASSERT_TRUE(run_task(io_, server.write_all("answer")));
  ASSERT_TRUE(run_task(io_, server.shutdown_send()));
  EXPECT_EQ(*run_task(io_, read_to_end(client)), "answer");
  EXPECT_FALSE(client.truncated());
}

TEST_F(TlsTest, AnEndWithoutCloseNotifyIsToldApart) {
  auto pair = shake();
  ASSERT_TRUE(run_task(io_, pair.server->write_all("ans")));
  pair.server.reset();  // closes the socket alone
  EXPECT_EQ(*run_task(io_, read_to_end(*pair.client)), "ans");
  EXPECT_TRUE(pair.client->truncated());
}

TEST_F(TlsTest, CloseSaysCloseNotify) {
  const auto pair = shake();
  ASSERT_TRUE(run_task(io_, pair.server->write_all("answer")));
  pair.server->close();
  EXPECT_EQ(*run_task(io_, read_to_end(*pair.client)), "answer");
  EXPECT_FALSE(pair.client->truncated());
}

TEST_F(TlsTest, AnAbortIsNoEnd) {
  const auto pair = shake();
  ASSERT_TRUE(run_task(io_, pair.server->write_all("answer")));
  pair.server->abort();
  const auto all = run_task(io_, read_to_end(*pair.client));
  EXPECT_FALSE(all);
}

TEST_F(TlsTest, BytesThatAreNoRecordEndItForGood) {
  const auto pair = shake();
  const std::string noise = "HTTP/1.1 200 OK\r\n\r\n";
  ASSERT_GT(::send(pair.server->raw().native_handle(), noise.data(), noise.size(), 0), 0);
  char data[8];
  for (int i = 0; i < 2; ++i) {
    const auto count = run_task(io_, pair.client->read_some(data, sizeof data));
    ASSERT_FALSE(count);
    EXPECT_EQ(count.error().code, Code::kMalformed);
    EXPECT_FALSE(count.error().message.contains("200 OK"));
  }
  EXPECT_FALSE(pair.client->alive_and_idle());
  EXPECT_FALSE(run_task(io_, pair.client->write_all("x")));
}

// Writes in pieces of odd sizes.
Task<Status> write_in_pieces(ByteStream& stream, std::string_view bytes, std::size_t step) {
  std::size_t size = 1;
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, size));  // lies elsewhere each time
    const auto written = co_await stream.write_all(piece);
    if (!written) co_return written;
    bytes.remove_prefix(piece.size());
    size = size * 3 % 70'001 + step;
  }
  const auto ended = co_await stream.shutdown_send();
  co_return ended;
}

Task<std::pair<Status, std::string>> exchange(ByteStream& stream, std::string_view bytes,
                                              std::size_t step) {
  Status written;
  bool done = false;
  TaskGroup group(stream.raw().get_executor());
  const auto write = [](ByteStream& to, std::string_view what, std::size_t by, Status& out,
                        bool& ended) -> Task<void> {
    out = co_await write_in_pieces(to, what, by);
    ended = true;
  };
  group.spawn("write", write(stream, bytes, step, written, done));
  auto all = co_await read_to_end(stream);
  co_await group.join();
  co_return std::pair(written, all.value_or("failed"));
}

TEST_F(TlsTest, CarriesEightMebibytesEachWayAtOnce) {
  const auto pair = shake();
  std::array<std::string, 2> texts;
  for (std::string& text : texts) {
    text.resize(8 << 20);
    random_bytes({reinterpret_cast<unsigned char*>(text.data()), text.size()});
  }
  const auto [at_client, at_server] =
      run_both(io_, exchange(*pair.client, texts[0], 7), exchange(*pair.server, texts[1], 16'381));
  EXPECT_TRUE(at_client.first);
  EXPECT_TRUE(at_server.first);
  EXPECT_TRUE(at_client.second == texts[1]);
  EXPECT_TRUE(at_server.second == texts[0]);
}

TEST_F(TlsTest, ADeadlineEndsAHandshakeAndARead) {
  const auto pair = connect_pair(io_, timer_);
  pair.server->set_deadline(20ms);
  const auto shaken = run_task(io_, pair.server->handshake_server(contexts_, kHost));
  ASSERT_FALSE(shaken);
  EXPECT_EQ(shaken.error().code, Code::kTimeout);

  const auto other = shake();
  other.client->set_deadline(20ms);
  char data[4];
  const auto read = run_task(io_, other.client->read_some(data, sizeof data));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kTimeout);
}

TEST_F(TlsTest, AHandshakeBeginsWithWhatWasPeeked) {
  const auto pair = connect_pair(io_, timer_);
  const auto late = [](ByteStream& stream, TlsServerContexts& contexts) -> Task<Status> {
    const auto first = co_await stream.peek(6);
    if (!first || (*first)[0] != '\x16') co_return fail(Code::kMalformed, "no TLS");
    std::string host = kHost;
    auto shaken = co_await stream.handshake_server(contexts, std::move(host));
    co_return shaken;
  };
  const auto [client, server] = run_both(io_, pair.client->handshake_client(roots_, kHost, 443),
                                         late(*pair.server, contexts_));
  EXPECT_TRUE(client);
  EXPECT_TRUE(server);
}

TEST_F(TlsTest, AHandshakeWithSomethingElseFails) {
  const auto pair = connect_pair(io_, timer_);
  ASSERT_TRUE(run_task(io_, pair.client->write_all("GET / HTTP/1.1\r\n\r\n")));
  const auto shaken = run_task(io_, pair.server->handshake_server(contexts_, kHost));
  ASSERT_FALSE(shaken);
  EXPECT_EQ(shaken.error().code, Code::kMalformed);
  const auto again = run_task(io_, pair.server->handshake_server(contexts_, kHost));
  EXPECT_FALSE(again);

  const auto closed = connect_pair(io_, timer_);
  closed.client->close();
  const auto ended = run_task(io_, closed.server->handshake_server(contexts_, kHost));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::kUnavailable);
}

TEST_F(TlsTest, APooledConnectionTakesItsTicketsAndStaysFit) {
  const auto pair = shake();
  // The server's ticket lies unread in the socket.
  ASSERT_TRUE(run_task(io_, pair.client->wait(Progress::Kind::kWantRead)));
  EXPECT_TRUE(pair.client->alive_and_idle());
  EXPECT_EQ(roots_.sessions(), 1U);
  ASSERT_TRUE(run_task(io_, pair.server->write_all("unasked")));
  ASSERT_TRUE(run_task(io_, pair.client->wait(Progress::Kind::kWantRead)));
  EXPECT_FALSE(pair.client->alive_and_idle());
  EXPECT_EQ(*run_task(io_, read_exactly(*pair.client, 7)), "unasked");
  EXPECT_TRUE(pair.client->alive_and_idle());
  pair.server->close();
  ASSERT_TRUE(run_task(io_, pair.client->wait(Progress::Kind::kWantRead)));
  EXPECT_FALSE(pair.client->alive_and_idle());
}

// The openssl program talks to our server, `connections` times one after the other.
class OpensslClientTest : public TlsTest {
 protected:
  std::string run_client(const std::string& options, int connections = 1) {
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    const std::string command = "timeout 20 openssl s_client -connect 127.0.0.1:" +
                                std::to_string(acceptor.local_endpoint().port()) + " -servername " +
                                kHost + " " + options + " </dev/null 2>&1";
    std::string printed;
    std::thread program([&] {
      FILE* pipe = ::popen(command.c_str(), "r");
      for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
        printed += static_cast<char>(c);
      }
      ::pclose(pipe);
    });
    for (int i = 0; i < connections; ++i) {
      ByteStream stream(StreamSocket(acceptor.accept()), timer_);
      stream.set_deadline(10s);
      server_shaken_ = run_task(io_, stream.handshake_server(contexts_, kHost));
      if (server_shaken_) run_task(io_, read_to_end(stream));
      if (server_shaken_) resumed_ += stream.resumed() ? 1 : 0;
    }
    program.join();
    return printed;
  }
  int resumed_ = 0;
};

TEST_F(OpensslClientTest, OldVersionsAreRefused) {
  const std::string said = run_client("-tls1_1 -cipher ALL:@SECLEVEL=0");
  ASSERT_FALSE(server_shaken_);
  EXPECT_EQ(server_shaken_.error().code, Code::kMalformed);
  EXPECT_TRUE(said.contains("alert protocol version")) << said;
}

TEST_F(OpensslClientTest, ShowsALeafForTheNameAndNoMore) {
  const std::string said = run_client("-showcerts -alpn h2,http/1.1");
  ASSERT_TRUE(server_shaken_);
  EXPECT_TRUE(said.contains("s:CN = api.example.com")) << said;
  EXPECT_FALSE(said.contains(" 1 s:")) << said;
  EXPECT_TRUE(said.contains("ALPN protocol: http/1.1")) << said;
  EXPECT_TRUE(said.contains("TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256")) << said;
}

TEST_F(OpensslClientTest, WhoSpeaksOnlyHttp2IsRefused) {
  const std::string said = run_client("-alpn h2");
  EXPECT_FALSE(server_shaken_);
  EXPECT_TRUE(said.contains("alert no application protocol")) << said;
}

TEST_F(OpensslClientTest, ResumesUnderTls12) {
  const std::string said = run_client("-tls1_2 -reconnect", 6);
  EXPECT_EQ(resumed_, 5) << said;
  EXPECT_EQ(contexts_.minted(), 1U);
}

// Its memory is not measured here; that a process which was forked afterwards can still go both
// ways is what the whole of egress is tested for.
TEST_F(TlsTest, WarmingUpWorksAndLeavesTheNextConnectionAsItWouldBe) {
  ASSERT_TRUE(warm_up_tls(clock_));
  ASSERT_TRUE(warm_up_tls(clock_));
  const auto pair = shake();
  EXPECT_TRUE(client_shaken_);
  EXPECT_TRUE(server_shaken_);
  EXPECT_EQ(roots_.sessions(), 0U) << "it has left a session with another's context";
  EXPECT_EQ(contexts_.minted(), 1U);
}

}  // namespace
}  // namespace deployclaw::net
