#include "egress/audit_trail.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace deployclaw::egress {

namespace asio = boost::asio;
namespace json = boost::json;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

namespace {
constexpr std::chrono::seconds kMostWait{15};
constexpr std::size_t kRecordHead = 64;  // and more than that

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

}  // namespace

AuditTrail::AuditTrail(asio::any_io_executor executor, linux::UniqueFd channel)
    : executor_(executor), channel_(executor, std::move(channel)) {}

AuditTrail::Intent& AuditTrail::Intent::operator=(Intent&& other) noexcept {
  std::swap(trail_, other.trail_);
  std::swap(agent_, other.agent_);
  std::swap(id_, other.id_);
  std::swap(sequence_, other.sequence_);
  return *this;
}

AuditTrail::Intent::~Intent() {
  if (trail_ == nullptr) return;
  const json::object metadata{{"detail", "abandoned"}};
  finish({{"outcome", "failure"}, {"metadata", metadata}});
}

Task<Status> AuditTrail::Intent::durable() {
  auto done = co_await trail_->wait_durable(sequence_);
  co_return done;
}

void AuditTrail::Intent::finish(const json::object& outcome) {
  if (trail_ == nullptr) return;
  std::exchange(trail_, nullptr)->send(RecordKind::kOutcome, agent_, id_, outcome);
}

AuditTrail::Intent AuditTrail::intend(AgentId agent, const json::object& record) {
  Intent intent;
  intent.trail_ = this;
  intent.agent_ = agent;
  intent.id_ = next_id_++;
  intent.sequence_ = send(RecordKind::kIntent, agent, intent.id_, record);
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
  if (left_out_ > 0) {
    auto& metadata = record["metadata"];
    if (!metadata.is_object()) metadata.emplace_object();
    metadata.get_object()["leftOut"] = std::exchange(left_out_, 0);
  }
  send(RecordKind::kEvent, agent, 0, record);
}

std::uint64_t AuditTrail::send(RecordKind kind, AgentId agent, std::uint64_t id,
                               const json::object& record) {
  RecordMessage message{.kind = kind, .agent = agent, .id = id, .json = json::serialize(record)};
  if (cleaner_) cleaner_(agent, message.json);
  // Once one record is lost, no later one may be taken for it: the trail is closed for good.
  if (message.json.size() > kMostRecordJson) close();
  if (!open_) return ++sent_;
  if (packet_.size() + message.json.size() + kRecordHead > PacketChannel::kMostBytes) flush();
  if (packet_.empty()) {
    asio::post(executor_, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) flush();
    });
  }
  append(packet_, message);
  return ++sent_;
}

void AuditTrail::flush() {
  const auto packet = std::exchange(packet_, {});
  if (open_ && !packet.empty() && !channel_.send(packet)) close();
}

Task<Status> AuditTrail::wait_durable(std::uint64_t sequence) {
  const auto deadline = asio::steady_timer::clock_type::now() + kMostWait;
  while (open_ && durable_ < sequence && refused_ < sequence) {
    asio::steady_timer timer(executor_, deadline);
    const auto place = waiters_.insert(waiters_.end(), {sequence, &timer});
    const auto [error] = co_await timer.async_wait(kAsTuple);
    waiters_.erase(place);
    // Not cancelled: the deadline passed.
    if (!error) break;
  }
  if (durable_ >= sequence && refused_ < sequence) co_return Status{};
  co_return fail(Code::kUnavailable, "audit_unavailable",
                 std::string(why(refused_ >= sequence ? refusal_ : Refusal::kUnwritable)));
}

Task<void> AuditTrail::run() {
  while (open_) {
    const auto packet = co_await channel_.receive();
    if (!packet) break;
    const auto answer = read_durable(packet->bytes);
    if (!answer) break;
    if (answer->refused != Refusal::kNo) {
      refused_ = answer->sequence;
      refusal_ = answer->refused;
    }
    durable_ = answer->sequence;
    for (const auto& waiter : waiters_) {
      if (waiter.sequence <= durable_) waiter.timer->cancel();
    }
  }
  close();
}

void AuditTrail::close() {
  if (!packet_.empty()) (void)channel_.send(std::exchange(packet_, {}));
  open_ = false;
  channel_.close();
  for (const auto& waiter : waiters_) waiter.timer->cancel();
}

}  // namespace deployclaw::egress
