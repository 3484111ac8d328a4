#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/spend_book.hpp"
#include "egress/messages.hpp"

namespace deployclaw::egress {

// Who may refuse a request, for the counts only. "other" stands for whatever is none of them.
inline constexpr std::array<std::string_view, 13> kLayers = {
    "other", "client",  "domain", "service", "scope",    "port",  "http",
    "dns",   "secrets", "rate",   "spend",   "approval", "limits"};
// The place of a layer's name in kLayers; 0 for any other text.
std::uint8_t layer_index(std::string_view layer);

// What was decided and what it cost, since the process began. Written by the intake's thread, read
// by any.
class DecisionCounts {
 public:
  using Clock = std::chrono::steady_clock;

  // An intent that was made durable, and so may happen.
  void count_allowed(std::uint64_t intents) { allowed_ += intents; }
  void count_denied(std::uint8_t layer, std::uint64_t times);
  void count_granted(domain::MicroDollars reserved) { reserved_ += reserved; }
  void count_settled(domain::MicroDollars spent) { settled_ += spent; }
  void count_waiting() { ++waited_; }
  // From an intent's arrival to its answer by the ledger, the disk included.
  void observe(Clock::duration took);

  // In the text format of Prometheus.
  [[nodiscard]] std::string to_text() const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,   0.1,   0.25,   1,     5,    20};
  std::atomic<std::uint64_t> allowed_ = 0;
  std::array<std::atomic<std::uint64_t>, kLayers.size()> denied_ = {};
  std::atomic<domain::MicroDollars> reserved_ = 0;
  std::atomic<domain::MicroDollars> settled_ = 0;
  std::atomic<std::uint64_t> waited_ = 0;
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> took_ = {};
  std::atomic<std::uint64_t> took_micros_ = 0;
};

}  // namespace deployclaw::egress
