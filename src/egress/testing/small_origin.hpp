#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"

namespace deployclaw::egress::testing {

// A plain HTTP/1.1 server on loopback that answers whole requests with the bytes it was given, and
// remembers every byte it got.
class SmallOrigin {
 public:
  enum class Then : std::uint8_t { kGoesOn, kCloses, kResets, kHolds };
  struct Answer {
    std::vector<std::string> pieces;  // written one after another, with a moment between them
    Then then = Then::kGoesOn;
    std::chrono::milliseconds delay{0};  // before the first
  };

  explicit SmallOrigin(boost::asio::io_context& io);
  ~SmallOrigin();
  SmallOrigin(const SmallOrigin&) = delete;
  SmallOrigin& operator=(const SmallOrigin&) = delete;

  // The next answer; without one, 200 and "ok".
  void will_answer(Answer answer) { answers_.push_back(std::move(answer)); }
  // Answers the next bytes, without waiting for a whole request.
  void answers_at_once(Answer answer) { at_once_ = std::move(answer); }
  static std::string with_length(std::string_view body);

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  // Everything received, requests that never became whole included.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Connections that the other side has ended.
  [[nodiscard]] std::size_t ended() const { return ended_; }
  // The same, for each connection.
  [[nodiscard]] const std::deque<std::string>& streams() const { return streams_; }
  void stop();

 private:
  Task<void> accept();
  Task<void> serve(boost::asio::ip::tcp::socket socket);
  static Task<bool> write(boost::asio::ip::tcp::socket& socket, Answer answer);

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  TaskGroup tasks_;
  std::deque<Answer> answers_;
  std::optional<Answer> at_once_;
  std::vector<std::string> requests_;
  std::string bytes_;
  std::deque<std::string> streams_;
  std::size_t connections_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace deployclaw::egress::testing
