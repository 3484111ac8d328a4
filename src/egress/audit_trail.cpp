#include "egress/audit_trail.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "egress/audit_waiter.hpp"
#include "egress/decision_counts.hpp"

namespace deployclaw::egress {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {
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
      rest_(executor,
            [this] {
              if (std::exchange(resting_, false)) look();
            }),
      hold_(executor, [this] { flush_if_held_long(); }) {}

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

void AuditTrail::rest() {
  resting_ = true;
  rest_.ring_by(gathering_.rests_until());
}

void AuditTrail::flush_soon() {
  if (!now_) hold_.ring_by(held_since_ + kMostHeld);
}

// What is held now may have come after the alarm was set. It is not sent by halves: two packets
// would cost two syncs.
void AuditTrail::flush_if_held_long() {
  if (now_ || packet_.empty()) return;
  Clock::now() < held_since_ + kMostHeld ? flush_soon() : flush();
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
