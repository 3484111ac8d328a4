#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "egress/messages.hpp"

namespace deployclaw::egress {

class ApprovalHold;

// The worker's part of requests that wait for a person: asks the supervisor, and wakes who waits.
// Bounded, so that an agent cannot fill the worker with requests that nobody answers. One thread.
class ApprovalDesk {
 public:
  using Tell = std::function<Status(std::string_view packet)>;
  static constexpr std::size_t kMostOfAgent = 20;
  static constexpr std::size_t kMostBytes = 64UL * 1024 * 1024;

  ApprovalDesk(boost::asio::any_io_executor executor, Tell tell)
      : executor_(std::move(executor)), tell_(std::move(tell)) {}

  // What the supervisor answers.
  void take(const ApprovalAnswerMessage& answer);
  // A grant that was used for that hold, of whose request nothing was sent.
  void give_back(std::uint64_t hold) { (void)tell_(encode(ApprovalReturnMessage{.hold = hold})); }

 private:
  friend class ApprovalHold;
  boost::asio::any_io_executor executor_;
  Tell tell_;
  std::map<std::uint64_t, ApprovalHold*> holds_;
  std::map<AgentId, std::size_t> of_agent_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

// What a request asks a person for.
struct ApprovalRequest {
  AgentId agent;
  std::array<unsigned char, 32> digest{};
  std::string scope;
  std::string target;
  std::string shown;  // services::render_request()
};

// One request that waits. Lets go of it when it is destroyed: the row stays for whoever asks again.
class ApprovalHold {
 public:
  // How it stands.
  enum class State : std::uint8_t {
    kUsed,         // granted, and the grant used up for this very request
    kPending,      // nobody has decided; id() and expires_at() are set
    kDenied,       // until expires_at()
    kExpired,      // nobody decided while it could be
    kFull,         // the agent has too many that wait
    kUnavailable,  // it cannot be asked, or not answered
    kLimited,      // limit() is reached
    kInterrupted,  // interrupt() was called: look again, then wait on
  };

  // `desk` outlives it. `body_bytes` are held besides what is shown.
  ApprovalHold(ApprovalDesk& desk, ApprovalRequest request, std::size_t body_bytes);
  ~ApprovalHold();
  ApprovalHold(const ApprovalHold&) = delete;
  ApprovalHold& operator=(const ApprovalHold&) = delete;

  // Waits for a decision, at most until `deadline`. Asks at the first call, and again when somebody
  // else with the same request was faster.
  Task<State> decided(std::chrono::steady_clock::time_point deadline);
  void interrupt();

  // For ApprovalDesk::give_back().
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::optional<LimitRefusal>& limit() const { return limit_; }
  // Nil until it is known.
  [[nodiscard]] ApprovalId id() const { return id_; }
  [[nodiscard]] Time expires_at() const { return expires_at_; }

 private:
  friend class ApprovalDesk;
  bool ask();
  [[nodiscard]] bool has_room() const;
  void take(const ApprovalAnswerMessage& answer);

  ApprovalDesk& desk_;
  const ApprovalRequest request_;
  const std::size_t bytes_;
  const bool admitted_;
  boost::asio::steady_timer timer_;
  std::uint64_t number_ = 0;
  bool asked_ = false;  // and the supervisor holds it
  bool interrupted_ = false;
  bool taken_ = false;  // the grant, by who waits
  std::optional<ApprovalVerdict> verdict_;
  std::optional<LimitRefusal> limit_;
  ApprovalId id_;
  Time expires_at_ = {};
};

}  // namespace deployclaw::egress
