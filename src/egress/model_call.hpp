#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>

#include "models/answer_meter.hpp"
#include "models/model_call.hpp"

namespace deployclaw::egress {

// Memory for bodies of model calls that are read whole, over all of a worker's connections.
class BodyBudget {
 public:
  static constexpr std::uint64_t kMost = 64ULL * 1024 * 1024;

  // Part of the budget while it lives.
  class Share {
   public:
    explicit Share(BodyBudget& budget) : budget_(budget) {}
    ~Share() { budget_.held_ -= held_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    // False when there is not so much left.
    bool take(std::uint64_t bytes);

   private:
    BodyBudget& budget_;
    std::uint64_t held_ = 0;
  };

 private:
  std::uint64_t held_ = 0;
};

// A model call under way: what it may cost, and the meter once there is an answer. One thread.
class MeteredCall {
 public:
  explicit MeteredCall(models::ModelCall call) : call_(std::move(call)) {}
  MeteredCall(const MeteredCall&) = delete;
  MeteredCall& operator=(const MeteredCall&) = delete;

  [[nodiscard]] const models::ModelCall& call() const { return call_; }
  // The ledger gave so much; `body` may have as much output as it pays for from now on.
  void grant(models::MicroDollars amount, std::string& body);
  // Something of the request has left.
  void sent() { sent_ = true; }
  // The answer's head is there. Once.
  void answered(int status, std::string_view content_type);
  // nullptr before answered().
  [[nodiscard]] models::AnswerMeter* meter() { return meter_ ? &*meter_ : nullptr; }

  // What the call can cost at most from now on, when that has become less since it was last asked.
  std::optional<models::MicroDollars> lowered();
  // What it cost; nullopt: nobody knows, so all that is reserved.
  [[nodiscard]] std::optional<models::MicroDollars> spent() const;
  // For the audit log: {model, reservedMicroUsd, and, once it is known, tokensIn, tokensCached,
  // tokensOut, spentMicroUsd, usage}. Whole numbers only.
  [[nodiscard]] boost::json::object describe() const;

 private:
  const models::ModelCall call_;
  models::MicroDollars granted_ = 0;
  models::MicroDollars reserved_ = 0;
  std::optional<models::AnswerMeter> meter_;
  bool sent_ = false;
};

}  // namespace deployclaw::egress
