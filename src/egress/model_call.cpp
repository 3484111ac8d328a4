#include "egress/model_call.hpp"

#include <algorithm>

#include "egress/json_text.hpp"

namespace deployclaw::egress {

bool BodyBudget::Share::take(std::uint64_t bytes) {
  if (bytes > kMost - budget_.held_) return false;
  held_ += bytes;
  budget_.held_ += bytes;
  return true;
}

void MeteredCall::grant(models::MicroDollars amount, std::string& body) {
  granted_ = reserved_ = amount;
  call_.limit(body, amount);
}

void MeteredCall::answered(int status, std::string_view content_type) {
  meter_.emplace(call_, granted_, status, content_type);
}

std::optional<models::MicroDollars> MeteredCall::lowered() {
  const auto now = meter_ ? meter_->at_most() : reserved_;
  if (now >= reserved_) return std::nullopt;
  reserved_ = now;
  return now;
}

std::optional<models::MicroDollars> MeteredCall::spent() const {
  if (!sent_) return 0;
  return meter_ ? meter_->spent() : std::nullopt;
}

boost::json::object MeteredCall::describe() const {
  boost::json::object details;
  details["model"] = json_text(call_.request().model);
  if (granted_ == 0) return details;
  details["reservedMicroUsd"] = granted_;
  const auto paid = spent();
  details["spentMicroUsd"] = paid.value_or(reserved_);
  details["usage"] = paid ? "known" : "unknown";
  if (!meter_) return details;
  const auto tokens = meter_->tokens();
  details["tokensIn"] = tokens.all_input();
  details["tokensCached"] = tokens.cached_input;
  details["tokensOut"] = tokens.output;
  return details;
}

}  // namespace deployclaw::egress
