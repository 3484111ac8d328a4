#include "egress/worker_lines.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <string>

#include "base/await.hpp"
#include "base/log.hpp"
#include "egress/json_text.hpp"
#include "egress/log_limiter.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostLine = 2'000;
constexpr std::chrono::milliseconds kPause{100};

// True when the line was written.
bool write_line(const ClientId& client, std::string_view line, LogLimiter& limiter) {
  if (line.empty()) return true;
  const auto suppressed = limiter.admit(LogLimiter::Clock::now());
  if (!suppressed) return false;
  log::warn("a worker says", {{"client", client.to_string()},
                              {"text", boost::json::value(json_text(line.substr(0, kMostLine)))},
                              {"suppressed", *suppressed}});
  return true;
}

// Takes the whole lines off the front of `text`, and one that is too long to wait for its end.
bool write_lines(const ClientId& client, std::string& text, LogLimiter& limiter) {
  bool all = true;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    all = write_line(client, std::string_view(text).substr(0, end), limiter) && all;
    text.erase(0, end + 1);
  }
  if (text.size() < kMostLine) return all;
  all = write_line(client, text, limiter) && all;
  text.clear();
  return all;
}

}  // namespace

Task<void> carry_worker_lines(linux::UniqueFd pipe, ClientId client) {
  asio::posix::stream_descriptor stream(co_await asio::this_coro::executor, dup(pipe.get()));
  pipe = linux::UniqueFd();
  LogLimiter limiter;
  std::array<char, 4096> buffer{};
  std::string text;
  while (true) {
    const auto room = asio::buffer(buffer);
    const auto [error, count] = co_await stream.async_read_some(room, kAwait);
    if (error) break;
    text.append(buffer.data(), count);
    if (write_lines(client, text, limiter)) continue;
    const bool slept = co_await sleep_for(kPause);
    if (!slept) break;
  }
  write_line(client, text, limiter);
}

}  // namespace deployclaw::egress
