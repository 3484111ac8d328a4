#include "egress/exchange.hpp"
#include "egress/json_text.hpp"

// What is special about a model call: it is priced before it leaves and counted while it answers.
namespace deployclaw::egress {

bool Exchange::is_model_call() const { return decision_.action_type == "model_call"; }

Task<Status> Exchange::price_model_call() {
  if (!is_model_call()) co_return Status{};
  // Its bytes are priced as they are; what a coding stands for would not be.
  if (head_.headers.get("content-encoding")) {
    co_return fail(Code::kForbidden, "model_call_refused",
                   "A model call with a compressed body cannot be held to the spend limit.");
  }
  if (!whole_body_) {
    auto read = co_await read_whole_body(models::kMostModelBody);
    if (!read) co_return read;
  }
  auto call =
      models::ModelCall::open(shared_.prices, decision_.service, target_.path, *whole_body_);
  if (!call) co_return fail(std::move(call.error()));
  if (!*call) co_return Status{};  // free
  // A free model is a model call too: with a cap of nothing there is none.
  charge_.wanted = std::max<models::MicroDollars>(1, (*call)->wanted());
  charge_.least = (*call)->least();
  model_call_.emplace(std::move(**call));
  co_return Status{};
}

void Exchange::meter_with(const http::ResponseHead& head) {
  if (!model_call_) return;
  model_call_->answered(head.status, head.headers.get("content-type").value_or(""));
}

void Exchange::lower_reservation() {
  if (const auto now = model_call_->lowered()) intent_.lower(*now);
}

}  // namespace deployclaw::egress
