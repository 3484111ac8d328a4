// What becomes of an intent: AuditTrail's half for whoever made it.
#include <boost/json/serialize.hpp>
#include <utility>

#include "egress/audit_waiter.hpp"
#include "egress/limit_refusal.hpp"

namespace deployclaw::egress {

namespace json = boost::json;

namespace {
constexpr std::chrono::seconds kMostWait{15};
// The ledger keeps a model call waiting for 20 s.
constexpr std::chrono::seconds kMostWaitForMoney{35};
}  // namespace

AuditTrail::Intent& AuditTrail::Intent::operator=(Intent&& other) noexcept {
  std::swap(trail_, other.trail_);
  std::swap(agent_, other.agent_);
  std::swap(id_, other.id_);
  std::swap(sequence_, other.sequence_);
  std::swap(charge_, other.charge_);
  std::swap(granted_, other.granted_);
  std::swap(refusal_, other.refusal_);
  return *this;
}

AuditTrail::Intent::~Intent() {
  if (trail_ == nullptr) return;
  const json::object metadata{{"detail", "abandoned"}};
  finish({{"outcome", "failure"}, {"metadata", metadata}});
}

Task<Result<Grant>> AuditTrail::Intent::durable() {
  Waiter waiter(*trail_, *this, charge_.wanted > 0 ? kMostWaitForMoney : kMostWait);
  bool late = false;
  while (trail_->open_ && !late && !trail_->is_answered(*this)) {
    const auto [error] = co_await waiter.until_woken();
    late = !error;  // not woken: the deadline passed
  }
  co_return take_answer();
}

Result<Grant> AuditTrail::Intent::take_answer() {
  if (charge_.is_free()) {
    if (auto done = trail_->durable_to(sequence_); !done) return fail(std::move(done.error()));
    return Grant{};
  }
  const auto answer = trail_->take_answer(id_);
  if (!answer) return fail(answer.error());
  granted_ = !answer->limit;
  if (granted_) return answer->grant;
  refusal_ = answer->limit;
  trail_->gathering_.forget();
  trail_ = nullptr;  // it never was
  return fail(to_error(*refusal_));
}

void AuditTrail::Intent::finish(const json::object& outcome,
                                std::optional<domain::MicroDollars> spent) {
  finish_text(json::serialize(outcome), spent);
}

void AuditTrail::Intent::finish_text(std::string outcome,
                                     std::optional<domain::MicroDollars> spent) {
  if (trail_ == nullptr) return;
  trail_->answers_.erase(id_);
  trail_->gathering_.end(Clock::now());
  // What the ledger holds for it, or keeps waiting, others may be in need of.
  const bool frees = !charge_.is_free() && (!granted_ || charge_.wanted > 0);
  std::exchange(trail_, nullptr)
      ->send({.kind = RecordKind::kOutcome,
              .agent = agent_,
              .id = id_,
              .json = std::move(outcome),
              .amount = granted_ ? spent.value_or(kAllReserved) : 0},
             frees ? Haste::kNow : Haste::kSoon);
}

void AuditTrail::Intent::lower(domain::MicroDollars reserved) {
  if (trail_ == nullptr) return;
  trail_->send(
      {.kind = RecordKind::kLower, .agent = agent_, .id = id_, .json = {}, .amount = reserved});
}

}  // namespace deployclaw::egress
