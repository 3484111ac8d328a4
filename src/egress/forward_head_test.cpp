#include "egress/forward_head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deployclaw::egress {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string forwarded(std::string_view fields, std::string_view method = "GET",
                      std::optional<std::size_t> length = std::nullopt, bool websocket = false) {
  const auto head = http::parse_request_head(
      std::string(method) + " /a/%7Eb?c=d HTTP/1.1\r\nHost: shown.example.com\r\n" +
      std::string(fields) + "\r\n");
  EXPECT_TRUE(head) << head.error().message;
  const auto target = http::canonical_target(head->target);
  return request_head(*head, *target, "real.example.com", websocket, length);
}

TEST(RequestHead, NamesTheTargetInItsOneFormAndTheHostThatWasDecided) {
  EXPECT_THAT(forwarded(""), StartsWith("GET /a/~b?c=d HTTP/1.1\r\nHost: real.example.com\r\n"));
  EXPECT_THAT(forwarded(""), Not(HasSubstr("shown.example.com")));
}

TEST(RequestHead, LeavesOutWhatSpeaksOfOneConnection) {
  const auto out = forwarded(
      "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
      "Proxy-Authorization: Basic eA==\r\nTE: gzip\r\nUpgrade: h2c\r\nX-Stays: 2\r\n");
  for (const char* gone : {"X-Hop", "Keep-Alive", "Proxy-", "TE:", "Upgrade", "Connection"}) {
    EXPECT_THAT(out, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(out, HasSubstr("X-Stays: 2\r\n"));
}

TEST(RequestHead, SaysThatTrailersAreWelcomeWhenTheyAre) {
  const auto out = forwarded("TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n");
  EXPECT_THAT(out, HasSubstr("\r\nConnection: TE\r\nTE: trailers\r\n"));
  EXPECT_THAT(forwarded("TE: trailers\r\nUpgrade: websocket\r\n", "GET", std::nullopt, true),
              Not(HasSubstr("TE:")));
}

http::Headers fields(const std::vector<std::pair<std::string, std::string>>& all) {
  http::Headers out;
  for (const auto& [name, value] : all) out.add(name, value);
  return out;
}

TEST(LastChunk, HoldsTheTrailersThatMayComeAfterABody) {
  EXPECT_EQ(last_chunk({}, {}), "0\r\n\r\n");
  const auto trailers = fields({{"Grpc-Status", "0"},
                                {"Content-Length", "3"},
                                {"transfer-encoding", "chunked"},
                                {"HOST", "evil.example.com"},
                                {"Authorization", "Bearer x"},
                                {"Cookie", "a=b"},
                                {"Proxy-Authorization", "x"},
                                {"Connection", "close"},
                                {"Keep-Alive", "5"},
                                {"Trailer", "x"},
                                {"If-Match", "*"},
                                {"X-HTTP-Method-Override", "DELETE"},
                                {"X-Hop", "1"},
                                {"Digest", "sha-256=x"}});
  EXPECT_EQ(last_chunk(trailers, fields({{"Connection", "close, x-hop"}})),
            "0\r\nGrpc-Status: 0\r\nDigest: sha-256=x\r\n\r\n");
}

TEST(RequestHead, KeepsTheFieldsThatSayWhatItIsEvenIfConnectionNamesThem) {
  const auto out = forwarded(
      "Connection: content-length, authorization\r\nContent-Length: 3\r\nAuthorization: x\r\n",
      "POST");
  EXPECT_THAT(out, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(out, HasSubstr("Authorization: x\r\n"));
}

TEST(RequestHead, KeepsTheFramingOrTakesTheLengthOfABodyReadWhole) {
  const auto chunked = forwarded("Transfer-Encoding: chunked\r\n", "POST");
  EXPECT_THAT(chunked, HasSubstr("Transfer-Encoding: chunked\r\n"));
  const auto whole = forwarded("Transfer-Encoding: chunked\r\n", "POST", 12);
  EXPECT_THAT(whole, HasSubstr("Content-Length: 12\r\n"));
  EXPECT_THAT(whole, Not(HasSubstr("chunked")));
  const auto other = forwarded("Content-Length: 3\r\n", "POST", 12);
  EXPECT_THAT(other, Not(HasSubstr("Content-Length: 3")));
}

TEST(RequestHead, AsksOnlyForCodingsThatCanBeLookedInto) {
  EXPECT_EQ(known_codings("br, compress;q=1, gzip;q=0.5, *"), "br, gzip;q=0.5");
  EXPECT_EQ(known_codings("compress"), "identity");
  EXPECT_THAT(forwarded("Accept-Encoding: compress, zstd\r\n"),
              HasSubstr("Accept-Encoding: zstd\r\n"));
}

TEST(RequestHead, PassesAWebSocketHandshakeOnWithoutExtensions) {
  const auto out = forwarded(
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      "GET", std::nullopt, true);
  EXPECT_THAT(out, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(out, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_THAT(out, HasSubstr("Sec-WebSocket-Key: k\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("Extensions")));
}

// What the gateway decided on is what an upstream reads.
TEST(RequestHead, ReadsBackWithTheSameFraming) {
  for (const char* fields : {"", "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n"}) {
    const auto out = forwarded(fields, "POST");
    const auto again = http::parse_request_head(out);
    ASSERT_TRUE(again) << again.error().message;
    const auto before =
        http::parse_request_head("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    EXPECT_EQ(again->framing.kind, before->framing.kind);
    EXPECT_EQ(again->framing.length, before->framing.length);
  }
}

TEST(ResponseHead, UsesOurOwnWordsAndFramesTheBodyAsItIsPassedOn) {
  const auto head = http::parse_response_head(
      "HTTP/1.1 200 sk-secret-in-a-reason\r\nContent-Length: 9\r\nContent-Encoding: gzip\r\n"
      "Connection: close\r\nX: y\r\n\r\n",
      http::Method::kGet);
  ASSERT_TRUE(head) << head.error().message;
  const auto as_it_came = response_head(*head, Passing::kAsItCame, true, false, false);
  EXPECT_THAT(as_it_came, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(as_it_came, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(as_it_came, Not(HasSubstr("Connection")));
  const auto decoded = response_head(*head, Passing::kChunked, false, true, false);
  EXPECT_THAT(decoded, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(decoded, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(decoded, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(decoded, Not(HasSubstr("Content-Encoding")));
}

}  // namespace
}  // namespace deployclaw::egress
