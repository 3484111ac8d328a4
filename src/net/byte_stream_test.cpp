#include "net/byte_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/testing/stream_pair.hpp"

namespace deployclaw::net {
namespace {

using namespace std::chrono_literals;
using testing::connect_pair;
using testing::read_exactly;
using testing::read_to_end;
using testing::run_both;
using testing::run_task;

// In the clear. What holds under TLS too is tested in tls_test.cpp.
class ByteStreamTest : public ::testing::Test {
 protected:
  boost::asio::io_context io_;
  CoarseTimer timer_{io_.get_executor()};
  testing::StreamPair pair_ = connect_pair(io_, timer_);
  ByteStream& client_ = *pair_.client;
  ByteStream& server_ = *pair_.server;
};

TEST_F(ByteStreamTest, CarriesBytesAndTellsTheEnd) {
  char data[16];
  EXPECT_EQ(client_.read_now(data, sizeof data).kind, Progress::Kind::kWantRead);
  ASSERT_EQ(server_.write_now("hello").count, 5U);
  EXPECT_TRUE(run_task(io_, client_.wait(Progress::Kind::kWantRead)));
  const Progress progress = client_.read_now(data, sizeof data);
  ASSERT_EQ(progress.kind, Progress::Kind::kBytes);
  EXPECT_EQ(std::string_view(data, progress.count), "hello");
  server_.close();
  const auto count = run_task(io_, client_.read_some(data, sizeof data));
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 0U);
  EXPECT_FALSE(client_.truncated());
}

TEST_F(ByteStreamTest, PeekTakesNothing) {
  ASSERT_TRUE(run_task(io_, server_.write_all("abc")));
  const auto first = run_task(io_, client_.peek(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "abc");
  ASSERT_TRUE(run_task(io_, server_.write_all("defg")));
  const auto more = run_task(io_, client_.peek(5));
  ASSERT_TRUE(more);
  EXPECT_EQ(*more, "abcdefg");
  EXPECT_FALSE(client_.alive_and_idle());
  const auto read = run_task(io_, read_exactly(client_, 7));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, "abcdefg");
  EXPECT_TRUE(client_.alive_and_idle());
}

TEST_F(ByteStreamTest, PeekAtTheEndShowsWhatThereIs) {
  ASSERT_TRUE(run_task(io_, server_.write_all("ab")));
  server_.close();
  const auto seen = run_task(io_, client_.peek(5));
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, "ab");
  const auto all = run_task(io_, read_to_end(client_));
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, "ab");
}

TEST_F(ByteStreamTest, WhatIsPutBackComesFirst) {
  ASSERT_TRUE(run_task(io_, server_.write_all("CONNECT\x16\x03")));
  auto read = run_task(io_, read_exactly(client_, 9));
  ASSERT_TRUE(read);
  client_.unread(std::string_view(*read).substr(7));
  ASSERT_TRUE(run_task(io_, server_.write_all("rest")));
  const auto seen = run_task(io_, client_.peek(6));
  ASSERT_TRUE(seen);
  EXPECT_EQ(*seen, "\x16\x03rest");
}

TEST_F(ByteStreamTest, HalfCloseLeavesTheOtherWayOpen) {
  ASSERT_TRUE(run_task(io_, client_.write_all("question")));
  ASSERT_TRUE(run_task(io_, client_.shutdown_send()));
  EXPECT_EQ(*run_task(io_, read_to_end(server_)), "question");
  ASSERT_TRUE(run_task(io_, server_.write_all("answer")));
  ASSERT_TRUE(run_task(io_, server_.shutdown_send()));
  EXPECT_EQ(*run_task(io_, read_to_end(client_)), "answer");
}

TEST_F(ByteStreamTest, AnAbortIsNoEnd) {
  server_.abort();
  char data[4];
  const auto count = run_task(io_, client_.read_some(data, sizeof data));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, Code::kUnavailable);
}

TEST_F(ByteStreamTest, WritingToWhoHasGoneFailsAndRaisesNoSignal) {
  server_.abort();
  const std::string bytes(1 << 20, 'x');
  Status written = run_task(io_, client_.write_all(bytes));
  for (int i = 0; i < 20 && written; ++i) written = run_task(io_, client_.write_all(bytes));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kUnavailable);
}

TEST_F(ByteStreamTest, ADeadlineEndsAReadAndAWriteUntilItIsSetAnew) {
  char data[4];
  client_.set_deadline(20ms);
  const auto read = run_task(io_, client_.read_some(data, sizeof data));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kTimeout);
  EXPECT_TRUE(client_.timed_out());
  EXPECT_EQ(client_.write_now("x").kind, Progress::Kind::kFailed);
  client_.set_deadline(20ms);
  const std::string bytes(32 << 20, 'x');  // nobody reads
  const auto written = run_task(io_, client_.write_all(bytes));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kTimeout);
  client_.clear_deadline();
  EXPECT_FALSE(client_.timed_out());
}

TEST_F(ByteStreamTest, ADeadlineEndsAPeekThatSeesTooLittle) {
  ASSERT_TRUE(run_task(io_, server_.write_all("\x16")));
  client_.set_deadline(20ms);
  const auto seen = run_task(io_, client_.peek(6));
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, Code::kTimeout);
}

Task<Status> interrupt_soon(ByteStream& stream) {
  co_await sleep_for(20ms);
  stream.interrupt();
  co_return Status{};
}

TEST_F(ByteStreamTest, AnInterruptEndsWhatIsPendingForGood) {
  char data[4];
  const auto [read, done] =
      run_both(io_, client_.read_some(data, sizeof data), interrupt_soon(client_));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCancelled);
  EXPECT_FALSE(run_task(io_, client_.write_all("x")));
}

TEST_F(ByteStreamTest, APooledConnectionIsFitUntilThePeerSendsOrCloses) {
  EXPECT_TRUE(client_.alive_and_idle());
  ASSERT_TRUE(run_task(io_, server_.write_all("unasked")));
  ASSERT_TRUE(run_task(io_, client_.wait(Progress::Kind::kWantRead)));
  EXPECT_FALSE(client_.alive_and_idle());
  EXPECT_EQ(run_task(io_, read_exactly(client_, 7)).value_or(""), "unasked");
  EXPECT_TRUE(client_.alive_and_idle());
  server_.close();
  ASSERT_TRUE(run_task(io_, client_.wait(Progress::Kind::kWantRead)));
  EXPECT_FALSE(client_.alive_and_idle());
  client_.close();
  EXPECT_FALSE(client_.alive_and_idle());
  EXPECT_FALSE(client_.is_open());
}

}  // namespace
}  // namespace deployclaw::net
