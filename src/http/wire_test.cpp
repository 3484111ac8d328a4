#include "http/wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace deployclaw::http {
namespace {

using namespace std::string_literals;
using Kind = BodyFraming::Kind;

Result<RequestHead> with_fields(const std::string& fields) {
  return parse_request_head("POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
}

TEST(RequestHead, ReadsAPlainRequest) {
  const auto head = parse_request_head(
      "GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX-One:  two words \r\nempty:\r\n\r\n");
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->method, Method::kGet);
  EXPECT_EQ(head->target, "/a/b?c=d");
  EXPECT_EQ(head->headers.get("x-one"), "two words");
  EXPECT_EQ(head->headers.get("EMPTY"), "");
  EXPECT_EQ(head->framing.kind, Kind::kNone);
  EXPECT_TRUE(head->keep_alive);
}

TEST(RequestHead, RefusesAmbiguousFraming) {
  for (const char* fields :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length: \r\n", "Content-Length: 1 1\r\n",
        "Content-Length: 9999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: xchunked\r\n"}) {
    EXPECT_FALSE(with_fields(fields)) << fields;
  }
  EXPECT_FALSE(
      parse_request_head("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_EQ(with_fields("Content-Length: 007\r\n")->framing.length, 7U);
  EXPECT_EQ(with_fields("transfer-encoding: Chunked\r\n")->framing.kind, Kind::kChunked);
}

TEST(RequestHead, WantsExactlyOneGoodHost) {
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.0\r\n\r\n"));
  for (const char* host : {"Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n",
                           "Host: a\r\nhost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a,b\r\n"}) {
    EXPECT_FALSE(parse_request_head("GET / HTTP/1.1\r\n"s + host + "\r\n")) << host;
  }
  EXPECT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"));
}

TEST(RequestHead, RefusesLinesThatTwoReadersWouldSplitDifferently) {
  for (const std::string& text : {"GET / HTTP/1.1\nHost: a\n\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s,
                                  "GET / HTTP/1.1\r\nHost: a\r\nX(: b\r\n\r\n"s,
                                  "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"s,
                                  " GET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET /\tx HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET / http/1.1\r\nHost: a\r\n\r\n"s,
                                  "GET /\r\nHost: a\r\n\r\n"s,
                                  "G,T / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "get / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "xGET / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "G.T / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "PRI / HTTP/1.1\r\nHost: a\r\n\r\n"s,
                                  "\r\n\r\n"s,
                                  ""s}) {
    const auto head = parse_request_head(text);
    ASSERT_FALSE(head) << text;
    EXPECT_EQ(head.error().code, Code::kMalformed) << text;
  }
}

TEST(RequestHead, SaysWhatIsUnsupported) {
  EXPECT_EQ(parse_request_head("GET / HTTP/2.0\r\nHost: a\r\n\r\n").error().reason,
            "http_version_not_supported");
  EXPECT_EQ(with_fields("Expect: magic\r\n").error().reason, "expectation_failed");
  EXPECT_TRUE(with_fields("Expect: 100-Continue\r\n")->expect_continue);
}

TEST(RequestHead, UnderstandsConnection) {
  EXPECT_FALSE(with_fields("Connection: close\r\n")->keep_alive);
  EXPECT_FALSE(with_fields("Connection: x, CLOSE\r\n")->keep_alive);
  EXPECT_TRUE(with_fields("Connection: closed\r\n")->keep_alive);
  EXPECT_FALSE(parse_request_head("GET / HTTP/1.0\r\nHost: a\r\n\r\n")->keep_alive);
}

TEST(RequestHead, LimitsTheNumberOfFields) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "a: b\r\n";
  EXPECT_TRUE(with_fields(fields));
  EXPECT_FALSE(with_fields(fields + "a: b\r\n"));
}

TEST(HeadEnd, IsFoundHoweverTheBytesArrive) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  std::size_t from = 0;
  for (std::size_t size = 0; size < 27; ++size) {
    EXPECT_EQ(find_head_end(std::string_view(text).substr(0, size), from), std::string::npos);
  }
  EXPECT_EQ(find_head_end(text, from), 27U);
}

TEST(HeadEnd, StopsAtABareLf) {
  std::size_t from = 0;
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\nHost: a\n\n", from), 15U);
}

TEST(ResponseHead, KnowsHowTheBodyEnds) {
  const auto parse = [](const std::string& text, Method to = Method::kGet) {
    auto head = parse_response_head(text, to);
    EXPECT_TRUE(head) << text;
    return head.value_or(ResponseHead{});
  };
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").framing.length, 3U);
  EXPECT_EQ(parse("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n").framing.kind,
            Kind::kChunked);
  EXPECT_EQ(parse("HTTP/1.1 200 \r\n\r\n").framing.kind, Kind::kUntilClose);
  EXPECT_EQ(parse("HTTP/1.1 101 UPGRADED\r\n\r\n").framing.kind, Kind::kUntilClose);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n").framing.kind, Kind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").framing.kind,
            Kind::kNone);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Method::kHead).framing.kind,
            Kind::kNone);
  for (const char* bad :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "ICY 200 OK\r\n\r\n"}) {
    EXPECT_FALSE(parse_response_head(bad, Method::kGet)) << bad;
  }
}

TEST(Chunked, DecodesHoweverItIsSplit) {
  const std::string text =
      "5\r\nhello\r\nA\r\n, wonderfu\r\n01\r\nl\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  const std::string message = text.substr(0, text.size() - 4);
  for (std::size_t first = 0; first <= message.size(); ++first) {
    for (std::size_t second = first; second <= message.size(); ++second) {
      ChunkedDecoder decoder;
      std::string out;
      const std::string_view whole(text);
      for (const auto piece :
           {whole.substr(0, first), whole.substr(first, second - first), whole.substr(second)}) {
        const auto used = decoder.feed(piece, out, 1000);
        ASSERT_TRUE(used);
        if (decoder.done()) break;
        ASSERT_EQ(*used, piece.size());
      }
      ASSERT_TRUE(decoder.done());
      ASSERT_EQ(out, "hello, wonderful");
      ASSERT_EQ(decoder.trailers().all().size(), 1U);
      ASSERT_EQ(decoder.trailers().get("trailer"), "x");
    }
  }
  ChunkedDecoder decoder;
  std::string out;
  EXPECT_EQ(decoder.feed(text, out, 1000), message.size());
}

TEST(Chunked, StopsAtTheOutputLimit) {
  ChunkedDecoder decoder;
  std::string out;
  const auto used = decoder.feed("5\r\nhello\r\n0\r\n\r\n", out, 3);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 6U);
  EXPECT_EQ(out, "hel");
  EXPECT_FALSE(decoder.done());
}

TEST(Chunked, RefusesWhatIsAmbiguous) {
  for (const std::string_view text :
       {"5;ext=1\r\nhello\r\n", "5 \r\nhello", "\r\n", "g\r\n", "5\nhello", "5\r\nhelloX",
        "5\r\nhello\n", "-1\r\n", "0x5\r\n", "1234567890abcdef\r\n", "0\r\nA: b\n\r\n",
        "0\r\n A: b\r\n\r\n", "0\r\n\rX"}) {
    ChunkedDecoder decoder;
    std::string out;
    EXPECT_FALSE(decoder.feed(text, out, 1000)) << text;
  }
}

Result<std::size_t> read_trailers(const std::string& section, Headers& trailers) {
  ChunkedDecoder decoder;
  std::string out;
  const auto text = "1\r\nx\r\n0\r\n" + section + "\r\n";
  auto used = decoder.feed(text, out, 1000);
  if (used && (!decoder.done() || *used != text.size())) return fail(Code::kInternal, "not done");
  trailers = decoder.trailers();
  return used;
}

TEST(Trailers, AreReadAsStrictlyAsFieldsOfAHead) {
  Headers trailers;
  ASSERT_TRUE(read_trailers("A: 1\r\nB:2 \r\na: 3\r\n", trailers));
  const std::vector<std::pair<std::string, std::string>> wanted{{"A", "1"}, {"B", "2"}, {"a", "3"}};
  EXPECT_EQ(trailers.all(), wanted);
  ASSERT_TRUE(read_trailers("", trailers));
  EXPECT_TRUE(trailers.all().empty());
  for (const std::string bad : {"no colon\r\n", "A : 1\r\n", ": 1\r\n", "A: 1\r\n b\r\n",
                                "A: \x01\r\n", "A: 1\rB: 2\r\n", "A: 1\nB: 2\r\n", "\tA: 1\r\n"}) {
    EXPECT_FALSE(read_trailers(bad, trailers)) << bad;
  }
}

TEST(Trailers, HaveBounds) {
  Headers trailers;
  std::string fields;
  for (int i = 0; i < 64; ++i) fields += "A: 1\r\n";
  EXPECT_TRUE(read_trailers(fields, trailers));
  EXPECT_FALSE(read_trailers(fields + "A: 1\r\n", trailers)) << "65 fields";
  const std::string most(8 * 1024 - 5, 'x');
  EXPECT_TRUE(read_trailers("A: " + most + "\r\n", trailers));
  EXPECT_FALSE(read_trailers("A: " + most + "xx\r\n", trailers)) << "more than 8 KiB";
}

TEST(Writing, LeavesOutFieldsThatWouldForgeALine) {
  Headers headers;
  headers.add("Good", "yes");
  headers.add("Bad", "a\r\nSet-Cookie: x=y");
  headers.add("Bad Name", "x");
  headers.add("Bad:", "x");
  std::string out;
  append_response_head(out, 200, headers);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nGood: yes\r\n");
}

}  // namespace
}  // namespace deployclaw::http
