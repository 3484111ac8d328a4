#include "egress/audit_trail.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "egress/decision_counts.hpp"
#include "egress/limit_refusal.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;
namespace json = boost::json;
constexpr auto kAsTuple = asio::as_tuple(asio::deferred);

namespace {
constexpr std::chrono::seconds kMostWait{15};
// The ledger keeps a model call waiting for 20 s.
constexpr std::chrono::seconds kMostWaitForMoney{35};
constexpr std::size_t kRecordHead = 96;  // and more than that

std::string_view why(Refusal refusal) {
  switch (refusal) {
    case Refusal::kShare:
      return "The audit log waits for its database and holds all it may for this account, so "
             "nothing is sent.";
    case Refusal::kTooManyOpen:
      return "Too many requests of this account are under way, so nothing is sent.";
    case Refusal::kForeignAgent:
      return "The audit log does not know this agent, so nothing is sent.";
    case Refusal::kNo:
    case Refusal::kUnwritable:
      break;
  }
  return "The audit log cannot be written, so nothing is sent.";
}

// "" when there is none such.
std::string text_at(const json::object& record, std::initializer_list<std::string_view> path) {
  const json::value* value = nullptr;
  for (const auto name : path) {
    const auto* object = value == nullptr ? &record : value->if_object();
    value = object == nullptr ? nullptr : object->if_contains(name);
    if (value == nullptr) return {};
  }
  const auto* text = value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

}  // namespace

AuditTrail::AuditTrail(asio::any_io_executor executor, linux::UniqueFd channel,
                       const Gathering::Patience& patience)
    : executor_(executor),
      channel_(executor, std::move(channel)),
      gathering_(patience),
      rest_(executor),
      hold_(executor) {}

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

// Somebody who waits for an answer is known as long as this lives. A coroutine that is cancelled is
// left by an exception, and must not be woken any more.
class AuditTrail::Waiter {
 public:
  Waiter(AuditTrail& trail, const Intent& intent, std::chrono::seconds most)
      : trail_(trail),
        intent_(intent),
        timer_(trail.executor_, most),
        place_(trail.waiters_.insert(trail.waiters_.end(), this)) {}
  ~Waiter() { trail_.waiters_.erase(place_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  auto until_woken() { return timer_.async_wait(kAsTuple); }
  void wake() { timer_.cancel(); }
  [[nodiscard]] const Intent& intent() const { return intent_; }

 private:
  AuditTrail& trail_;
  const Intent& intent_;
  asio::steady_timer timer_;
  const std::list<Waiter*>::iterator place_;
};

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

AuditTrail::Intent AuditTrail::intend(AgentId agent, const json::object& record, Charge charge) {
  return intend_text(agent, json::serialize(record), charge);
}

AuditTrail::Intent AuditTrail::intend_text(AgentId agent, std::string record, Charge charge) {
  Intent intent;
  intent.trail_ = this;
  intent.agent_ = agent;
  intent.id_ = next_id_++;
  intent.charge_ = charge;
  if (!charge.is_free()) answers_.try_emplace(intent.id_);
  intent.sequence_ = send({.kind = RecordKind::kIntent,
                           .agent = agent,
                           .id = intent.id_,
                           .json = std::move(record),
                           .charge = charge});
  return intent;
}

void AuditTrail::event(AgentId agent, json::object record) {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - std::exchange(allowed_at_, now);
  allowance_ = std::min(kEventBurst, allowance_ + passed.count() * kEventsPerSecond);
  if (allowance_ < 1) {
    ++left_out_;
    return;
  }
  allowance_ -= 1;
  const auto left_out = static_cast<std::uint32_t>(left_out_);
  const auto layer = text_at(record, {"metadata", "layer"});
  const bool denied = text_at(record, {"outcome"}) == "denied";
  if (left_out_ > 0) {
    auto& metadata = record["metadata"];
    if (!metadata.is_object()) metadata.emplace_object();
    metadata.get_object()["leftOut"] = std::exchange(left_out_, 0);
  }
  send({.kind = RecordKind::kEvent,
        .agent = agent,
        .id = 0,
        .json = json::serialize(record),
        .layer = layer_index(layer),
        .denials = denied ? left_out + 1 : 0});
}

std::uint64_t AuditTrail::send(RecordMessage message, Haste haste) {
  if (cleaner_ && !message.json.empty()) cleaner_(message.agent, message.json);
  // Once one record is lost, no later one may be taken for it: the trail is closed for good.
  if (message.json.size() > kMostRecordJson) close();
  const auto size = packet_.size() + message.json.size() + kRecordHead;
  if (size > PacketChannel::kMostBytes) flush();
  if (message.kind == RecordKind::kIntent) gathering_.intend();
  if (!open_) return ++sent_;
  if (packet_.empty()) held_since_ = Clock::now();
  append(packet_, message);
  if (gathering_.add()) haste = Haste::kNow;
  haste == Haste::kNow ? flush_now() : flush_soon();
  return ++sent_;
}

void AuditTrail::flush_now() {
  if (!std::exchange(now_, true)) {
    gathering_.begin(Clock::now());
  } else if (!std::exchange(resting_, false)) {
    return;  // is looked at anyway
  }
  look_later();
}

// Behind whatever is ready to be done now.
void AuditTrail::look_later() {
  asio::post(executor_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) look();
  });
}

void AuditTrail::look() {
  const auto next = open_ ? gathering_.next(Clock::now()) : Gathering::Next::kGo;
  if (next == Gathering::Next::kAnotherTurn) return look_later();
  if (next == Gathering::Next::kRest) return rest();
  now_ = false;
  flush();
}

// Like hold_, the timer is left to run where it comes early. Where it would come late, since the
// rest before could last longer, it is set anew.
void AuditTrail::rest() {
  resting_ = true;
  const auto until = gathering_.rests_until();
  if (rest_runs_ && rest_.expiry() <= until) return;
  rest_runs_ = true;
  rest_.expires_at(until);
  rest_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
    if (error || alive.expired()) return;
    rest_runs_ = false;
    if (std::exchange(resting_, false)) look();
  });
}

// The timer is left to run when something else flushes before, since setting it costs a system
// call. Where it comes early for what is held then, it is set once more: two packets would cost two
// syncs.
void AuditTrail::flush_soon() {
  if (now_ || std::exchange(soon_, true)) return;
  hold_.expires_at(held_since_ + kMostHeld);
  hold_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code) {
    if (alive.expired()) return;
    soon_ = false;
    if (now_ || packet_.empty()) return;
    Clock::now() < held_since_ + kMostHeld ? flush_soon() : flush();
  });
}

void AuditTrail::flush() {
  if (!open_ || packet_.empty()) return;
  const bool sent = channel_.send(packet_).has_value();
  packet_.clear();
  gathering_.clear();
  if (!sent) close();
}

bool AuditTrail::is_answered(const Intent& intent) const {
  if (intent.charge_.is_free()) {
    return durable_ >= intent.sequence_ || refused_ >= intent.sequence_;
  }
  const auto found = answers_.find(intent.id_);
  return found == answers_.end() || found->second;
}

Status AuditTrail::durable_to(std::uint64_t sequence) const {
  if (durable_ >= sequence && refused_ < sequence) return {};
  return fail(Code::kUnavailable, "audit_unavailable",
              std::string(why(refused_ >= sequence ? refusal_ : Refusal::kUnwritable)));
}

Result<IntentAnswer> AuditTrail::take_answer(std::uint64_t id) {
  const auto taken = answers_.extract(id);
  const auto answer = taken ? taken.mapped() : std::nullopt;
  if (answer && answer->refused == Refusal::kNo) return *answer;
  return fail(Code::kUnavailable, "audit_unavailable",
              std::string(why(answer ? answer->refused : Refusal::kUnwritable)));
}

// What nobody waits for any more is dropped.
void AuditTrail::take_answers(const DurableMessage& message) {
  for (const auto& answer : message.answers) {
    const auto found = answers_.find(answer.id);
    if (found != answers_.end()) found->second = answer;
  }
}

Task<void> AuditTrail::run() {
  while (open_) {
    const auto packet = co_await channel_.receive();
    if (!packet) break;
    const auto answer = read_durable(packet->bytes);
    if (!answer) break;
    if (answer->refused != Refusal::kNo) {
      refused_ = std::max(refused_, answer->sequence);
      refusal_ = answer->refused;
    }
    durable_ = std::max(durable_, answer->sequence);
    take_answers(*answer);
    gathering_.answered();
    if (std::exchange(resting_, false)) look_later();
    for (auto* const waiter : waiters_) {
      if (is_answered(waiter->intent())) waiter->wake();
    }
  }
  close();
}

void AuditTrail::close() {
  if (!packet_.empty()) (void)channel_.send(std::exchange(packet_, {}));
  open_ = false;
  channel_.close();
  rest_.cancel();
  hold_.cancel();
  for (auto* const waiter : waiters_) waiter->wake();
}

}  // namespace deployclaw::egress
