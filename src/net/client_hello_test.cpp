#include "net/client_hello.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

namespace deployclaw::net {
namespace {

using State = ClientHelloPeek::State;

// What OpenSSL's own client says first.
std::string openssl_hello(std::string name, bool offers_alpn = true) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl);
  if (!name.empty()) {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  constexpr std::array<unsigned char, 12> protocols = {2,   'h', '2', 8,   'h', 't',
                                                       't', 'p', '/', '1', '.', '1'};
  if (offers_alpn) SSL_set_alpn_protos(ssl, protocols.data(), protocols.size());
  SSL_do_handshake(ssl);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string hello(data, static_cast<std::size_t>(size));
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

std::string number(std::size_t value, std::size_t size) {
  std::string out;
  for (std::size_t i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xFFU);
  return out;
}
std::string sized(const std::string& bytes, std::size_t size) {
  return number(bytes.size(), size) + bytes;
}
std::string record(const std::string& body) { return "\x16\x03\x01" + sized(body, 2); }
std::string extension(std::size_t type, const std::string& body) {
  return number(type, 2) + sized(body, 2);
}
std::string server_name(const std::string& name, char type = 0) {
  return extension(0, sized(std::string(1, type) + sized(name, 2), 2));
}
std::string message(const std::string& extensions) {
  const std::string body = "\x03\x03" + std::string(32, 'r') + sized("", 1) + sized("\x13\x01", 2) +
                           sized(std::string(1, '\0'), 1) + sized(extensions, 2);
  return "\x01" + sized(body, 3);
}
ClientHelloPeek peek_with(const std::string& extensions) {
  return peek_client_hello(record(message(extensions)));
}

TEST(ClientHello, ReadsWhatOpensslSends) {
  const auto peek = peek_client_hello(openssl_hello("API.example.com"));
  ASSERT_EQ(peek.state, State::kHello) << peek.reason;
  EXPECT_EQ(peek.hello.server_name, "api.example.com");
  EXPECT_EQ(peek.hello.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_FALSE(peek.hello.has_ech);
  const auto nameless = peek_client_hello(openssl_hello("", false));
  ASSERT_EQ(nameless.state, State::kHello);
  EXPECT_EQ(nameless.hello.server_name, "");
  EXPECT_TRUE(nameless.hello.alpn.empty());
}

TEST(ClientHello, EveryPrefixAsksForMoreAndNeverForTooMuch) {
  const std::string hello = openssl_hello("api.example.com");
  for (std::size_t size = 0; size < hello.size(); ++size) {
    const auto peek = peek_client_hello(std::string_view(hello).substr(0, size));
    ASSERT_EQ(peek.state, State::kNeedsMore) << size;
    ASSERT_GT(peek.needs, size);
    ASSERT_LE(peek.needs, hello.size());
  }
  const auto longer = peek_client_hello(hello + "and what follows");
  EXPECT_EQ(longer.hello.server_name, "api.example.com");
}

RC_GTEST_PROP(ClientHelloProperty, IsReadHoweverItIsSplitOverRecords, ()) {
  const std::string whole = message(server_name("api.example.com") + extension(10, "xx"));
  std::string split;
  for (std::size_t at = 0; at < whole.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 40);
    split += record(whole.substr(at, size));
    at += size;
  }
  // As a caller reads it: as much as it was told to.
  std::size_t have = 0;
  auto peek = peek_client_hello("");
  while (peek.state == State::kNeedsMore) {
    RC_ASSERT(peek.needs > have);
    RC_ASSERT(peek.needs <= split.size());
    have = peek.needs;
    peek = peek_client_hello(std::string_view(split).substr(0, have));
  }
  RC_ASSERT(peek.state == State::kHello);
  RC_ASSERT(peek.hello.server_name == "api.example.com");
}

TEST(ClientHello, OneByteTellsWhatIsNotTls) {
  EXPECT_EQ(peek_client_hello("").needs, 1U);
  for (const char* text : {"G", "GET / HTTP/1.1\r\n", "\x15\x03\x01", "\x80\x2e\x01", "SSH-2.0"}) {
    EXPECT_EQ(peek_client_hello(text).state, State::kNotTls) << text;
  }
}

TEST(ClientHello, NamesThatAreNoneAreRefused) {
  EXPECT_EQ(peek_with(server_name("a.example")).hello.server_name, "a.example");
  for (const std::string& name :
       {std::string(), std::string("a.example."), std::string("10.0.0.1"), std::string("[::1]"),
        std::string("a b"), std::string("a.example\0", 10), std::string("a_b.example"),
        std::string("\xc3\xa4.example"), std::string("-a.example"), std::string(300, 'a'),
        std::string("a.example:443"), std::string("*.example")}) {
    EXPECT_EQ(peek_with(server_name(name)).state, State::kRefused) << name;
  }
}

TEST(ClientHello, TwoNamesInWhateverWayAreRefused) {
  const std::string one = std::string(1, '\0') + sized("a.example", 2);
  EXPECT_EQ(peek_with(extension(0, sized(one + one, 2))).state, State::kRefused);
  EXPECT_EQ(peek_with(server_name("a.example") + server_name("b.example")).state, State::kRefused);
  EXPECT_EQ(peek_with(server_name("a.example", 1)).state, State::kRefused);
  EXPECT_EQ(peek_with(extension(9, "") + extension(9, "")).state, State::kRefused);
}

TEST(ClientHello, EncryptedClientHelloIsTold) {
  const auto peek = peek_with(server_name("a.example") + extension(0xfe0d, "xyz"));
  ASSERT_EQ(peek.state, State::kHello);
  EXPECT_TRUE(peek.hello.has_ech);
}

TEST(ClientHello, ProtocolsOfOtherBytesAreLeftOut) {
  const std::string list = sized("\x0a\x0a", 1) + sized("http/1.1", 1);
  const auto peek = peek_with(extension(16, sized(list, 2)));
  EXPECT_EQ(peek.hello.alpn, std::vector<std::string>{"http/1.1"});
  EXPECT_EQ(peek_with(extension(16, sized(sized("", 1), 2))).state, State::kRefused);
  EXPECT_EQ(peek_with(extension(16, sized("", 2))).state, State::kRefused);
  EXPECT_EQ(peek_with(extension(16, sized("\x05h2", 2))).state, State::kRefused);
}

TEST(ClientHello, LengthsThatDoNotAddUpAreRefused) {
  const std::string good = message(server_name("a.example"));
  ASSERT_EQ(peek_client_hello(record(good)).state, State::kHello);
  // Each byte that counts, one more and one less: never a hello of another length.
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string cut = good.substr(0, at);
    if (at < 4) continue;
    cut[1] = 0;
    cut[2] = static_cast<char>((at - 4) >> 8U);
    cut[3] = static_cast<char>((at - 4) & 0xFFU);
    const auto peek = peek_client_hello(record(cut));
    const bool before_extensions = at == 4 + 2 + 32 + 1 + 4 + 2;
    EXPECT_EQ(peek.state, before_extensions ? State::kHello : State::kRefused) << at;
    EXPECT_EQ(peek.hello.server_name, "");
  }
}

TEST(ClientHello, RecordsOutOfBoundsAreRefused) {
  const std::string good = message(server_name("a.example"));
  EXPECT_EQ(peek_client_hello("\x16\x02\x00").state, State::kRefused);
  EXPECT_EQ(peek_client_hello(record("") + record(good)).state, State::kRefused);
  EXPECT_EQ(peek_client_hello("\x16\x03\x01" + number(16'385, 2) + "\x01").state, State::kRefused);
  EXPECT_EQ(peek_client_hello(record("\x02" + good.substr(1))).state, State::kRefused);
  EXPECT_EQ(peek_client_hello(record(good.substr(0, 20)) + "\x17\x03\x03").state, State::kRefused);
  EXPECT_EQ(peek_client_hello(record(std::string("\x01") + number(17'000, 3))).state,
            State::kRefused);
  // Too large with its records' heads, though the message alone is not.
  std::string split;
  const std::string large = message(extension(21, std::string(12'000, '\0')));
  for (const char byte : large) split += record(std::string(1, byte));
  EXPECT_EQ(peek_client_hello(split).state, State::kRefused);
}

TEST(ClientHello, TooManyExtensionsAreRefused) {
  std::string many;
  for (std::size_t type = 100; type < 228; ++type) many += extension(type, "");
  EXPECT_EQ(peek_with(many).state, State::kHello);
  EXPECT_EQ(peek_with(many + extension(300, "")).state, State::kRefused);
}

}  // namespace
}  // namespace deployclaw::net
