#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

#include "egress/audit_intake_state.hpp"

// From records that arrived to records that are durable, or refused, or held back.
namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostJson = 16UL * 1024;
// An outcome goes beyond its client's share, so that no intent stays open for want of room; but not
// at any length.
constexpr std::size_t kMostBeyondShare = 1024;
// Of all workers of a client: each carries 4,096 connections.
constexpr std::size_t kMostOpen = 8'192;
// Where there is little room, little goes in.
constexpr std::size_t kMostHeldAtOnce = 128UL * 1024;
constexpr std::chrono::milliseconds kLazySync{200};
constexpr std::chrono::milliseconds kRetry{1'000};
constexpr const char* kCut =
    R"({"outcome":"failure","metadata":{"cut":"the record was too large"}})";
constexpr const char* kForeignAgent =
    R"({"actionType":"audit_record_refused","outcome":"denied","metadata":{"detail":"a worker named an agent that is none of its client's"}})";

OpenIntent intent_of(const SpoolRecord& record) {
  return {.client = record.client, .agent = record.agent, .worker = record.worker, .id = record.id};
}

// What may still be added to the spool while a batch is put together.
class Room {
 public:
  explicit Room(const Spool& spool) : spool_(spool), left_(spool.free_bytes()) {}

  // The answer for so many bytes of intents; takes the room when it is kNo.
  Refusal for_intents(const ClientId& client, std::uint64_t bytes) {
    if (bytes > left_) return Refusal::kUnwritable;
    if (!spool_.fits(client, taken_[client] + bytes)) return Refusal::kShare;
    take(client, bytes);
    return Refusal::kNo;
  }

  // Whether a record that is no intent goes in; may cut it.
  bool admits(SpoolRecord& record) {
    const bool fits = spool_.fits(record.client, taken_[record.client] + size_of(record));
    if (!fits) {
      if (!ends_an_intent(record)) return false;
      if (record.json.size() > kMostBeyondShare) record.json = kCut;
    }
    if (size_of(record) > left_) return false;
    take(record.client, size_of(record));
    if (record.kind == RecordKind::kOutcome) ended_.insert(intent_of(record));
    return true;
  }

 private:
  void take(const ClientId& client, std::uint64_t bytes) {
    left_ -= bytes;
    taken_[client] += bytes;
  }
  [[nodiscard]] bool ends_an_intent(const SpoolRecord& record) const {
    return record.kind == RecordKind::kOutcome && spool_.is_open(intent_of(record)) &&
           !ended_.contains(intent_of(record));
  }

  const Spool& spool_;
  std::uint64_t left_;
  std::map<ClientId, std::uint64_t> taken_;
  std::set<OpenIntent> ended_;
};

}  // namespace

void AuditIntake::State::take(const std::shared_ptr<IntakeSource>& source, RecordMessage message) {
  if (message.kind == RecordKind::kIntent) waiting.insert(source);
  if (!clients[source->client].agents.contains(message.agent)) {
    take_foreign(source, message);
    return;
  }
  if (message.json.size() > kMostJson) message.json = kCut;
  const bool asks = message.kind == RecordKind::kIntent;
  if (asks && !take_intent(source, message)) return;
  if (message.kind == RecordKind::kOutcome) close_intent(*source, message.id, message.agent);
  add({.kind = message.kind,
       .client = source->client,
       .agent = message.agent,
       .worker = source->worker,
       .id = message.id,
       .json = std::move(message.json)},
      asks ? source : nullptr);
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

void AuditIntake::State::close_intent(IntakeSource& source, std::uint64_t id, AgentId agent) {
  if (source.open.erase({id, agent}) > 0) --clients[source.client].open;
}

void AuditIntake::State::add(SpoolRecord record, std::shared_ptr<IntakeSource> asking) {
  batch.push_back({.record = std::move(record), .asking = std::move(asking)});
  commit_later();
}

void AuditIntake::State::commit_later() {
  if (commit_posted) return;
  commit_posted = true;
  // Behind whatever is ready to be received now.
  asio::post(io, [this] {
    commit_posted = false;
    commit(false);
  });
}

// One batch on its way.
class AuditIntake::State::Commit {
 public:
  Commit(State& state, std::vector<Entry> entries, std::set<std::shared_ptr<IntakeSource>> asking)
      : state_(state),
        entries_(std::move(entries)),
        asking_(std::move(asking)),
        room_(*state.spool) {}

  // All intents of a source or none: they have one answer.
  void judge_intents() {
    std::map<IntakeSource*, std::uint64_t> wanted;
    for (const auto& entry : entries_) {
      if (entry.asking) wanted[entry.asking.get()] += size_of(entry.record);
    }
    for (const auto& [source, bytes] : wanted) {
      if (source->refusal != Refusal::kNo) continue;
      source->refusal = room_.for_intents(source->client, bytes);
    }
  }

  // In the order in which they came.
  void admit_all() {
    for (auto& [record, source] : entries_) {
      if (!source) {
        admit(std::move(record));
      } else if (source->refusal == Refusal::kNo) {
        records_.push_back(record);
        has_intent_ = true;
      }
    }
  }
  void admit(SpoolRecord record) {
    if (room_.admits(record)) {
      records_.push_back(std::move(record));
    } else {
      state_.held.hold(std::move(record));
    }
  }

  // Whatever fails, nothing but intents is lost by it.
  Status write() {
    if (records_.empty()) return {};
    const auto durable = state_.spool->durable_end();
    Status done = state_.spool->append(records_);
    const auto count = records_.size();
    std::erase_if(records_, [](const auto& one) { return one.kind == RecordKind::kIntent; });
    if (!done) {
      state_.hold_all(std::move(records_));
      state_.hold_what_was_given_up();
      return done;
    }
    // A new segment was begun behind one that is durable.
    if (state_.spool->durable_end() != durable) state_.unsynced.clear();
    std::ranges::move(records_, std::back_inserter(state_.unsynced));
    state_.total += count;
    return has_intent_ ? state_.sync() : done;
  }

  // Whether nobody is refused because the spool cannot be written.
  bool settle(const Status& done) {
    bool writable = done.has_value();
    for (const auto& source : asking_) {
      if (!done && source->refusal == Refusal::kNo) source->refusal = Refusal::kUnwritable;
      writable = writable && source->refusal != Refusal::kUnwritable;
    }
    for (const auto& [record, source] : entries_) {
      const bool refused = source && source->refusal != Refusal::kNo;
      if (refused) state_.close_intent(*source, record.id, record.agent);
    }
    return writable;
  }

  void answer() {
    for (const auto& source : asking_) {
      const DurableMessage answer{.sequence = source->received,
                                  .refused = std::exchange(source->refusal, Refusal::kNo)};
      (void)source->channel.send(encode(answer));
    }
  }

 private:
  State& state_;
  std::vector<Entry> entries_;
  std::set<std::shared_ptr<IntakeSource>> asking_;
  Room room_;
  std::vector<SpoolRecord> records_;
  bool has_intent_ = false;
};

void AuditIntake::State::commit(bool with_held) {
  Commit commit(*this, std::exchange(batch, {}), std::exchange(waiting, {}));
  commit.judge_intents();
  if (with_held) {
    for (auto& record : held.take(kMostHeldAtOnce)) commit.admit(std::move(record));
  }
  commit.admit_all();
  const auto done = commit.write();
  const bool writable = commit.settle(done);
  if (!writable && good) tell_of_trouble(done ? "it is full" : done.error().message);
  good = writable;
  lost = held.lost();
  commit.answer();
  commit_later_than_now();
}

Status AuditIntake::State::sync() {
  ++syncs;
  auto done = spool->sync();
  if (done) {
    unsynced.clear();
    tell_drainer();
  } else {
    hold_what_was_given_up();
  }
  return done;
}

// With a segment goes what nobody waited for: it has to be written again.
void AuditIntake::State::hold_what_was_given_up() {
  if (spool->segments_given_up() == given_up) return;
  given_up = spool->segments_given_up();
  hold_all(std::exchange(unsynced, {}));
}

void AuditIntake::State::hold_all(std::vector<SpoolRecord> records) {
  for (auto& record : records) held.hold(std::move(record));
}

void AuditIntake::State::tell_of_trouble(std::string_view cause) {
  const auto suppressed = trouble.admit(LogLimiter::Clock::now());
  if (!suppressed) return;
  log::error("audit spool refuses", {{"cause", cause}, {"suppressed", *suppressed}});
}

// What nobody waits for, and what could not be written yet.
void AuditIntake::State::commit_later_than_now() {
  if (later_pending || (unsynced.empty() && held.empty())) return;
  later_pending = true;
  later.expires_after(good ? kLazySync : kRetry);
  later.async_wait([this](boost::system::error_code error) {
    later_pending = false;
    if (error) return;
    if (!unsynced.empty()) {
      if (auto synced = sync(); !synced) tell_of_trouble(synced.error().message);
    }
    commit(!held.empty());
  });
}

void AuditIntake::State::tell_drainer() { asio::post(drainer, on_durable); }

}  // namespace deployclaw::egress
