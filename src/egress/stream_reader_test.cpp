#include "egress/stream_reader.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "net/testing/stream_pair.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using net::testing::connect_pair;
using net::testing::run_both;
using net::testing::run_task;
using Kind = http::BodyFraming::Kind;

// Sends `pieces` one after another, each when the one before has been taken, and then the end.
Task<bool> send_pieces(net::ByteStream& stream, std::vector<std::string> pieces) {
  for (const auto& piece : pieces) {
    if (piece.empty()) continue;
    const auto sent = co_await stream.write_all(piece);
    if (!sent) co_return false;
    co_await sleep_for(std::chrono::microseconds(200));
  }
  const auto ended = co_await stream.shutdown_send();
  co_return ended.has_value();
}

struct Message {
  std::string head;
  std::string body;
  std::string failure;  // of whichever failed
};

Task<Result<std::string>> read_body(StreamReader& reader, http::BodyFraming framing,
                                    std::size_t room) {
  BodyReader body(reader, framing);
  std::string all;
  std::string buffer(room, '\0');
  while (true) {
    const auto got = co_await body.read(buffer.data(), buffer.size());
    if (!got) co_return fail(got.error());
    if (*got > room) co_return fail(Code::kInternal, "more than there is room for");
    if (*got == 0) break;
    all.append(buffer, 0, *got);
  }
  if (!body.done()) co_return fail(Code::kInternal, "an end that is none");
  co_return all;
}

// Every request there is, heads and bodies.
Task<std::vector<Message>> read_requests(StreamReader& reader, std::size_t room) {
  std::vector<Message> messages;
  while (true) {
    auto text = co_await reader.take_head(4096);
    if (text && text->empty()) co_return messages;
    Message message;
    if (!text) {
      message.failure = text.error().message;
      messages.push_back(message);
      co_return messages;
    }
    message.head = *text;
    const auto head = http::parse_request_head(*text);
    if (!head) throw std::runtime_error(head.error().message);
    auto body = co_await read_body(reader, head->framing, room);
    if (body) {
      message.body = *body;
    } else {
      message.failure = body.error().message;
    }
    messages.push_back(message);
    if (!body) co_return messages;
  }
}

class StreamReaderTest : public ::testing::Test {
 protected:
  std::vector<Message> requests(std::vector<std::string> pieces, std::size_t room = 1000) {
    auto pair = connect_pair(io, timer);
    StreamReader reader(*pair.server);
    auto [messages, sent] =
        run_both(io, read_requests(reader, room), send_pieces(*pair.client, std::move(pieces)));
    EXPECT_TRUE(sent);
    return messages;
  }

  Result<std::string> body(std::string bytes, http::BodyFraming framing) {
    auto pair = connect_pair(io, timer);
    StreamReader reader(*pair.server);
    auto [all, sent] =
        run_both(io, read_body(reader, framing, 7), send_pieces(*pair.client, {std::move(bytes)}));
    return all;
  }

  asio::io_context io;
  net::CoarseTimer timer{io.get_executor()};
};

const std::string kFirstHead = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kSecondHead = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
const std::string kThirdHead = "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kPipelined = "\r\n" + kFirstHead +
                               "5\r\nhello\r\nb\r\n, you there\r\n0\r\nX: y\r\n\r\n" + kSecondHead +
                               "body" + "\r\n\r\n" + kThirdHead;

void expect_three(const std::vector<Message>& messages, std::size_t at) {
  ASSERT_EQ(messages.size(), 3U) << at;
  EXPECT_EQ(messages[0].head, kFirstHead) << at;
  EXPECT_EQ(messages[0].body, "hello, you there") << at;
  EXPECT_EQ(messages[1].head, kSecondHead) << at;
  EXPECT_EQ(messages[1].body, "body") << at;
  EXPECT_EQ(messages[2].head, kThirdHead) << at;
  EXPECT_EQ(messages[2].body + messages[2].failure, "") << at;
}

TEST_F(StreamReaderTest, ReadsPipelinedRequestsTheSameWhereverTheyAreSplit) {
  for (std::size_t at = 0; at < kPipelined.size(); ++at) {
    expect_three(requests({kPipelined.substr(0, at), kPipelined.substr(at)}), at);
    if (HasFatalFailure()) return;
  }
}

TEST_F(StreamReaderTest, ReadsThemByteByByteAndIntoTheSmallestRoom) {
  std::vector<std::string> bytes;
  for (const char byte : kPipelined) bytes.emplace_back(1, byte);
  expect_three(requests(std::move(bytes)), 0);
  expect_three(requests({kPipelined}, 1), 1);
}

TEST_F(StreamReaderTest, ACutIsNeverReadAsAWholeRequest) {
  const std::vector<std::string> whole{kFirstHead + "5\r\nhello\r\n0\r\n\r\n", kSecondHead + "body",
                                       kThirdHead};
  for (const auto& request : whole) {
    for (std::size_t size = 1; size < request.size(); ++size) {
      const auto messages = requests({request.substr(0, size)});
      ASSERT_EQ(messages.size(), 1U) << request << size;
      EXPECT_NE(messages[0].failure, "") << request << size;
    }
  }
}

TEST_F(StreamReaderTest, RefusesAHeadThatIsTooLargeEvenWhenItNeverEnds) {
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(10'000, 'x');
  for (const auto& text : {endless, endless + "\r\n\r\n"}) {
    const auto messages = requests({text});
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].failure, "the head is too large");
  }
}

TEST_F(StreamReaderTest, WaitsForMoreWithoutTakingIt) {
  auto pair = connect_pair(io, timer);
  StreamReader reader(*pair.server);
  const auto [more, sent] = run_both(io, reader.wait_for_more(), send_pieces(*pair.client, {"ab"}));
  EXPECT_TRUE(more);
  EXPECT_EQ(reader.unread(), "ab");
  EXPECT_TRUE(run_task(io, reader.wait_for_more()));
  reader.consume(2);
  EXPECT_FALSE(run_task(io, reader.wait_for_more()));
}

TEST_F(StreamReaderTest, LeavesWhatIsBehindABodyUnread) {
  auto pair = connect_pair(io, timer);
  StreamReader reader(*pair.server);
  ASSERT_TRUE(run_task(io, send_pieces(*pair.client, {"bodyNEXT"})));
  ASSERT_EQ(run_task(io, reader.fill()), 8U);
  BodyReader body(reader, {.kind = Kind::kLength, .length = 4});
  EXPECT_EQ(body.left(), 4U);
  char buffer[100];
  EXPECT_EQ(run_task(io, body.read(buffer, sizeof buffer)), 4U);
  EXPECT_TRUE(body.done());
  EXPECT_EQ(body.left(), 0U);
  EXPECT_EQ(reader.unread(), "NEXT");
}

TEST_F(StreamReaderTest, EachFramingEndsInItsOwnWay) {
  EXPECT_EQ(body("ignored", {.kind = Kind::kNone}), "");
  EXPECT_EQ(body("", {.kind = Kind::kLength, .length = 0}), "");
  EXPECT_EQ(body("exactly ten", {.kind = Kind::kLength, .length = 10}), "exactly te");
  EXPECT_EQ(body("all there is", {.kind = Kind::kUntilClose}), "all there is");
  EXPECT_EQ(body("", {.kind = Kind::kUntilClose}), "");
  EXPECT_EQ(body("3\r\nabc\r\n0\r\n\r\nmore", {.kind = Kind::kChunked}), "abc");
}

TEST_F(StreamReaderTest, BadFramingIsMalformed) {
  for (const auto* bytes : {"x\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n",
                            "ffffffffffffffffff\r\n", "-1\r\n", "3\nabc\n0\n\n"}) {
    const auto read = body(bytes, {.kind = Kind::kChunked});
    ASSERT_FALSE(read) << bytes;
    EXPECT_EQ(read.error().code, Code::kMalformed) << bytes;
  }
  EXPECT_EQ(body("short", {.kind = Kind::kLength, .length = 6}).error().code, Code::kMalformed);
}

TEST(BufferPool, GivesTheSameBufferAgain) {
  BufferPool pool;
  char* first = nullptr;
  {
    const auto buffer = pool.take();
    first = buffer.data();
    const auto other = pool.take();
    EXPECT_NE(other.data(), first);
  }
  const auto again = pool.take();
  EXPECT_EQ(again.data(), first);
}

}  // namespace
}  // namespace deployclaw::egress
