#include "egress/audit_intake_state.hpp"

// From a worker's message to a record on its way, or to a refusal.
namespace deployclaw::egress {

namespace {

constexpr std::size_t kMostJson = 16UL * 1024;
// Of all workers of a client: each carries 4,096 connections.
constexpr std::size_t kMostOpen = 8'192;
constexpr const char* kCut =
    R"({"outcome":"failure","metadata":{"cut":"the record was too large"}})";
constexpr const char* kForeignAgent =
    R"({"actionType":"audit_record_refused","outcome":"denied","metadata":{"detail":"a worker named an agent that is none of its client's"}})";

}  // namespace

void AuditIntake::State::take(const std::shared_ptr<IntakeSource>& source, RecordMessage message) {
  if (message.kind == RecordKind::kIntent) waiting.insert(source);
  if (!clients[source->client].agents.contains(message.agent)) {
    take_foreign(source, message);
    refuse_early(source, message);
    return;
  }
  if (message.json.size() > kMostJson) message.json = kCut;
  if (message.denials > 0) counts.count_denied(message.layer, message.denials);
  const bool asks = message.kind == RecordKind::kIntent;
  if (asks && !take_intent(source, message)) {
    refuse_early(source, message);
    return;
  }
  if (message.kind == RecordKind::kLower) {
    lower(*source, message);
    return;
  }
  if (message.kind == RecordKind::kOutcome) {
    forget_parked(*source, message.id, message.agent);
    close_intent(*source, message.id, message.agent);
  }
  add({.kind = message.kind,
       .client = source->client,
       .agent = message.agent,
       .worker = source->worker,
       .id = message.id,
       .json = std::move(message.json),
       .charge = {.amount = asks ? 0 : message.amount}},
      asks ? source : nullptr, message.charge);
}

// Written before it frees anything: whoever is let in because of it lies behind it in the spool.
void AuditIntake::State::lower(const IntakeSource& source, const RecordMessage& message) {
  const auto open = ledger.find(message.agent, {source.worker, message.id});
  if (!open || open->reserved <= message.amount) return;
  add({.kind = RecordKind::kLower,
       .client = source.client,
       .agent = message.agent,
       .worker = source.worker,
       .id = message.id,
       .json = {},
       .charge = {.at = open->day * domain::kDay, .amount = message.amount}});
}

// False when it is refused here already.
bool AuditIntake::State::take_intent(const std::shared_ptr<IntakeSource>& source,
                                     const RecordMessage& message) {
  auto& client = clients[source->client];
  if (client.open >= kMostOpen) {
    source->refusal = Refusal::kTooManyOpen;
    commit_later();
    complain(source->client, "a client has too many open intents");
    return false;
  }
  if (source->open.emplace(message.id, message.agent).second) ++client.open;
  return true;
}

void AuditIntake::State::take_foreign(const std::shared_ptr<IntakeSource>& source,
                                      const RecordMessage& message) {
  if (message.kind == RecordKind::kIntent) source->refusal = Refusal::kForeignAgent;
  // As often as the log takes a line; the others are counted.
  const auto suppressed = clients[source->client].lines.admit(LogLimiter::Clock::now());
  if (!suppressed) {
    held.count_lost(source->client);
    commit_later();
    return;
  }
  log::error("a worker named an agent that is none of its client's",
             {{"client", source->client.to_string()},
              {"agent", message.agent.to_string()},
              {"suppressed", *suppressed}});
  add({.client = source->client, .agent = {}, .worker = source->worker, .json = kForeignAgent});
}

// What has a charge has an answer of its own.
void AuditIntake::State::refuse_early(const std::shared_ptr<IntakeSource>& source,
                                      const RecordMessage& message) {
  if (message.kind != RecordKind::kIntent || message.charge.is_free()) return;
  early.push_back({source, {.id = message.id, .refused = source->refusal}});
}

void AuditIntake::State::close_intent(IntakeSource& source, std::uint64_t id, AgentId agent) {
  if (source.open.erase({id, agent}) > 0) --clients[source.client].open;
}

void AuditIntake::State::add(SpoolRecord record, std::shared_ptr<IntakeSource> asking,
                             Charge charge) {
  batch.push_back({.record = std::move(record), .asking = std::move(asking), .charge = charge});
  commit_later();
}

}  // namespace deployclaw::egress
