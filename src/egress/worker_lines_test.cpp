#include "egress/worker_lines.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "egress/log_limiter.hpp"
#include "net/testing/run_task.hpp"

namespace deployclaw::egress {
namespace {

using ::testing::HasSubstr;

class WorkerLinesTest : public ::testing::Test {
 protected:
  // What the log holds after a worker wrote `text` and ended.
  std::string logged(const std::string& text) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    linux::UniqueFd reading(ends[0]);
    {
      const linux::UniqueFd writing(ends[1]);
      EXPECT_EQ(write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    ::testing::internal::CaptureStderr();
    net::testing::run_task(io, carry_worker_lines(std::move(reading), client));
    return ::testing::internal::GetCapturedStderr();
  }
  static auto lines(const std::string& text) { return std::ranges::count(text, '\n'); }

  boost::asio::io_context io;
  const ClientId client = ClientId::random();
};

TEST_F(WorkerLinesTest, CarriesALineAndTellsWhoseItIs) {
  const auto log = logged("something happened\n");
  EXPECT_EQ(lines(log), 1);
  EXPECT_THAT(log, HasSubstr("something happened"));
  EXPECT_THAT(log, HasSubstr(client.to_string()));
}

TEST_F(WorkerLinesTest, AForgedLineStaysAText) {
  const auto log = logged(R"({"level":"error","event":"forged"})" + std::string("\n\xff\n"));
  EXPECT_EQ(lines(log), 2);
  EXPECT_EQ(log.find(R"("event":"forged")"), std::string::npos) << log;
  EXPECT_THAT(log, HasSubstr(R"(\"event\":\"forged\")"));
}

TEST_F(WorkerLinesTest, AFloodIsBoundedAndALongLineCut) {
  std::string flood;
  for (int i = 0; i < 2'000; ++i) flood += "line\n";
  EXPECT_LE(lines(logged(flood)), LogLimiter::kBurst);
  const auto log = logged(std::string(30'000, 'x'));
  EXPECT_LE(lines(log), LogLimiter::kBurst);
  EXPECT_LT(log.size(), 40'000U);
}

}  // namespace
}  // namespace deployclaw::egress
