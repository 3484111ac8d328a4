#include "egress/approval_desk.hpp"

#include "base/await.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;

void ApprovalDesk::take(const ApprovalAnswerMessage& answer) {
  const auto found = holds_.find(answer.hold);
  if (found != holds_.end()) {
    found->second->take(answer);
  } else if (answer.verdict == ApprovalVerdict::kUsed) {
    give_back(answer.hold);
  }
}

bool ApprovalHold::has_room() const {
  const auto of_agent = desk_.of_agent_.find(request_.agent);
  return desk_.bytes_ + bytes_ <= ApprovalDesk::kMostBytes &&
         (of_agent == desk_.of_agent_.end() || of_agent->second < ApprovalDesk::kMostOfAgent);
}

ApprovalHold::ApprovalHold(ApprovalDesk& desk, ApprovalRequest request, std::size_t body_bytes)
    : desk_(desk),
      request_(std::move(request)),
      bytes_(request_.shown.size() + body_bytes),
      admitted_(has_room()),
      timer_(desk.executor_) {
  if (!admitted_) return;
  desk_.bytes_ += bytes_;
  ++desk_.of_agent_[request_.agent];
}

ApprovalHold::~ApprovalHold() {
  if (asked_) (void)desk_.tell_(encode(ApprovalDropMessage{.hold = number_}));
  if (verdict_ == ApprovalVerdict::kUsed && !taken_) desk_.give_back(number_);
  desk_.holds_.erase(number_);
  if (!admitted_) return;
  desk_.bytes_ -= bytes_;
  const auto of_agent = desk_.of_agent_.find(request_.agent);
  if (--of_agent->second == 0) desk_.of_agent_.erase(of_agent);
}

// Each time under another number, so that an answer to an earlier question is not taken for one.
bool ApprovalHold::ask() {
  desk_.holds_.erase(number_);
  number_ = ++desk_.last_;
  desk_.holds_[number_] = this;
  verdict_.reset();
  for (std::string_view rest = request_.shown; !rest.empty();) {
    const auto size = std::min(rest.size(), kMostApprovalPiece);
    const ApprovalTextMessage piece{.hold = number_, .bytes = std::string(rest.substr(0, size))};
    if (!desk_.tell_(encode(piece))) return false;
    rest.remove_prefix(size);
  }
  const ApprovalMessage question{.agent = request_.agent,
                                 .hold = number_,
                                 .digest = request_.digest,
                                 .scope = request_.scope,
                                 .target = request_.target.substr(0, 512)};
  asked_ = desk_.tell_(encode(question)).has_value();
  return asked_;
}

void ApprovalHold::take(const ApprovalAnswerMessage& answer) {
  verdict_ = answer.verdict;
  limit_ = answer.limit;
  if (answer.id != ApprovalId()) {
    id_ = answer.id;
    expires_at_ = answer.expires_at;
  }
  // The supervisor has let go of it.
  if (answer.verdict != ApprovalVerdict::kPending) asked_ = false;
  timer_.cancel();
}

void ApprovalHold::interrupt() {
  interrupted_ = true;
  timer_.cancel();
}

Task<ApprovalHold::State> ApprovalHold::decided(std::chrono::steady_clock::time_point deadline) {
  if (!admitted_) co_return State::kFull;
  while (true) {
    // Before a verdict, even a grant: what it was given for may have changed.
    if (verdict_ != ApprovalVerdict::kUsed && std::exchange(interrupted_, false)) {
      co_return State::kInterrupted;
    }
    const bool first = number_ == 0;
    if ((first || verdict_ == ApprovalVerdict::kGone) && !ask()) co_return State::kUnavailable;
    if (verdict_) {
      switch (*verdict_) {
        case ApprovalVerdict::kUsed:
          taken_ = true;
          co_return State::kUsed;
        case ApprovalVerdict::kDenied:
          co_return State::kDenied;
        case ApprovalVerdict::kExpired:
          co_return State::kExpired;
        case ApprovalVerdict::kFull:
          co_return State::kFull;
        case ApprovalVerdict::kUnavailable:
          co_return State::kUnavailable;
        case ApprovalVerdict::kLimited:
          co_return State::kLimited;
        case ApprovalVerdict::kPending:
        case ApprovalVerdict::kGone:
          break;
      }
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      co_return verdict_ ? State::kPending : State::kUnavailable;
    }
    timer_.expires_at(deadline);
    co_await timer_.async_wait(kAwait);
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != asio::cancellation_type::none) co_return State::kUnavailable;
  }
}

}  // namespace deployclaw::egress
