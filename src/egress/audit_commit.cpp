#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

#include "egress/audit_intake_state.hpp"

// From records that arrived to records that are durable, or refused, or held back.
namespace deployclaw::egress {

namespace asio = boost::asio;

namespace {

// An outcome goes beyond its client's share, so that no intent stays open for want of room; but not
// at any length.
constexpr std::size_t kMostBeyondShare = 1024;
// Where there is little room, little goes in.
constexpr std::size_t kMostHeldAtOnce = 128UL * 1024;
constexpr std::chrono::milliseconds kLazySync{200};
// What a worker may say of one call: a million dollars.
constexpr domain::MicroDollars kMostSpent = 1'000'000'000'000;
constexpr std::chrono::milliseconds kRetry{1'000};
constexpr const char* kCut =
    R"({"outcome":"failure","metadata":{"cut":"the record was too large"}})";

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
        now_(state.ledger_now()),
        room_(*state.spool) {
    records_.reserve(entries_.size());
  }

  // Those that waited for money come before what is new.
  void judge_parked() {
    for (const auto& agent : std::exchange(state_.freed, {})) {
      const auto found = state_.parked.find(agent);
      if (found == state_.parked.end()) continue;
      judge_parked(found->second);
      if (found->second.empty()) state_.parked.erase(found);
    }
  }

  // All intents of a source or none: they have one answer.
  void judge_intents() {
    std::map<IntakeSource*, std::uint64_t> wanted;
    for (const auto& entry : entries_) {
      if (entry.asking) wanted[entry.asking.get()] += size_in_spool(entry);
    }
    for (const auto& [source, bytes] : wanted) {
      if (source->refusal != Refusal::kNo) continue;
      source->refusal = room_.for_intents(source->client, bytes);
    }
  }

  // In the order in which they came.
  void admit_all() {
    for (auto& entry : entries_) {
      auto& record = entry.record;
      const auto& source = entry.asking;
      if (!source) {
        admit(std::move(record));
      } else if (source->refusal != Refusal::kNo) {
        if (!entry.charge.is_free()) tell(source, {.id = record.id, .refused = source->refusal});
      } else if (entry.charge.is_free()) {
        push_intent(std::move(record));  // settle() needs its ids only, and those stay
      } else if (entry.charge.wanted > 0 && state_.parked.contains(record.agent)) {
        park(entry);
      } else {
        judge(entry);
      }
    }
  }
  void admit(SpoolRecord record) {
    if (record.kind == RecordKind::kOutcome) name_price(record);
    if (room_.admits(record)) {
      records_.push_back(std::move(record));
    } else if (record.kind != RecordKind::kLower) {
      state_.held.hold(std::move(record));
    }
  }
  // On the day of the grant, in the record itself: it need not meet its intent again.
  void name_price(SpoolRecord& record) {
    const auto open = state_.ledger.find(record.agent, key_of(record));
    if (!open) return;
    const auto spent = record.charge.amount;
    record.charge = {
        .at = open->day * domain::kDay,
        .amount = std::min(spent == kAllReserved ? open->reserved : spent, kMostSpent)};
  }

  // Whatever fails, nothing but intents is lost by it.
  Status write() {
    if (records_.empty()) return {};
    const auto durable = state_.spool->durable_end();
    Status done = state_.spool->append(records_);
    const auto count = records_.size();
    // New room, or a new segment, was made behind what is durable by that.
    if (state_.spool->durable_end() != durable) state_.unsynced.clear();
    if (done) settle_spend();  // of what lies in the spool by now
    if (done) state_.counts.count_allowed(intents_);
    std::erase_if(records_, [](const auto& one) {
      return one.kind == RecordKind::kIntent || one.kind == RecordKind::kLower;
    });
    if (!done) {
      state_.hold_all(std::move(records_));
      state_.hold_what_was_given_up();
      return done;
    }
    std::ranges::move(records_, std::back_inserter(state_.unsynced));
    state_.total += count;
    return intents_ > 0 ? state_.sync() : done;
  }

  // Whether nobody is refused because the spool cannot be written.
  bool settle(const Status& done) {
    bool writable = done.has_value();
    for (const auto& source : asking_) {
      if (!done && source->refusal == Refusal::kNo) source->refusal = Refusal::kUnwritable;
      writable = writable && source->refusal != Refusal::kUnwritable;
    }
    for (const auto& entry : entries_) {
      const auto& source = entry.asking;
      const bool refused = source && source->refusal != Refusal::kNo;
      if (refused) state_.close_intent(*source, entry.record.id, entry.record.agent);
    }
    const auto now = DecisionCounts::Clock::now();
    for (const auto& one : admitted_) conclude(one, done.has_value(), now);
    return writable;
  }

  void answer() {
    for (const auto& source : asking_) answers_[source];
    for (const auto& [source, answer] : std::exchange(state_.early, {})) tell(source, answer);
    for (auto& [source, answers] : answers_) {
      DurableMessage message{.sequence = source->received,
                             .refused = std::exchange(source->refusal, Refusal::kNo)};
      // Those of intents first: the sequence is true once all are told.
      for (; answers.size() > kMostAnswers; answers.resize(answers.size() - kMostAnswers)) {
        const DurableMessage some{.answers = {answers.end() - kMostAnswers, answers.end()}};
        (void)source->channel.send(encode(some));
      }
      message.answers = std::move(answers);
      (void)source->channel.send(encode(message));
    }
  }

 private:
  using Source = std::shared_ptr<IntakeSource>;
  struct Admitted {
    Source source;
    AgentId agent;
    std::uint64_t id = 0;
    Admission admission;
    DecisionCounts::Clock::time_point arrived;
  };

  static std::size_t size_in_spool(const Entry& entry) {
    return size_of(entry.record) + (entry.charge.is_free() ? 0 : kChargeBytes);
  }
  static Ledger::Key key_of(const SpoolRecord& record) { return {record.worker, record.id}; }
  void tell(const Source& source, const IntentAnswer& answer) {
    answers_[source].push_back(answer);
  }
  void push_intent(SpoolRecord record) {
    records_.push_back(std::move(record));
    ++intents_;
  }
  void refuse(const Entry& entry, const IntentAnswer& answer) {
    state_.close_intent(*entry.asking, entry.record.id, entry.record.agent);
    tell(entry.asking, answer);
  }
  // Its worker may have it closed by now: then it is not open, and nothing is written of it.
  void park(Entry& entry) { state_.park(std::exchange(entry, {})); }

  void judge(Entry& entry) {
    const auto ruling = ask_ledger(entry);
    if (ruling.verdict == Ledger::Verdict::kBusy) park(entry);
    if (ruling.verdict == Ledger::Verdict::kAdmitted) take_in(entry, ruling.admission);
  }
  // Those that wait for money keep their order; what has no price does not wait for them.
  void judge_parked(std::deque<Parked>& queue) {
    bool blocked = false;
    std::erase_if(queue, [&](Parked& one) {
      const bool waits = now_ < one.until;
      const bool for_money = one.entry.charge.wanted > 0;
      if (blocked && for_money && waits) return false;
      const auto ruling = ask_ledger(one.entry);
      if (ruling.verdict == Ledger::Verdict::kBusy) {
        blocked = blocked || (for_money && waits);
        if (waits) return false;
        refuse(one.entry, {.id = one.entry.record.id, .limit = ruling.refusal});
      } else if (ruling.verdict == Ledger::Verdict::kAdmitted) {
        take_in_late(one.entry, ruling.admission);
      }
      return true;
    });
  }
  void take_in_late(Entry& entry, const Admission& admission) {
    const auto room = room_.for_intents(entry.record.client, size_in_spool(entry));
    if (room == Refusal::kNo) {
      take_in(entry, admission);
      return;
    }
    state_.ledger.take_back(entry.record.agent, key_of(entry.record), admission);
    refuse(entry, {.id = entry.record.id, .refused = room});
  }
  Ledger::Ruling ask_ledger(const Entry& entry) {
    const auto& record = entry.record;
    auto ruling = state_.ledger.judge(record.agent, key_of(record), entry.charge, now_);
    if (ruling.verdict == Ledger::Verdict::kRefused) {
      state_.counts.observe(DecisionCounts::Clock::now() - entry.arrived);
      refuse(entry, {.id = record.id, .limit = ruling.refusal});
    }
    return ruling;
  }
  void take_in(Entry& entry, const Admission& admission) {
    auto& record = entry.record;
    record.charge = admission;
    admitted_.push_back({.source = entry.asking,
                         .agent = record.agent,
                         .id = record.id,
                         .admission = admission,
                         .arrived = entry.arrived});
    push_intent(std::move(record));
  }
  // Durable now, or nothing that may happen.
  void conclude(const Admitted& one, bool durable, DecisionCounts::Clock::time_point now) {
    if (durable) {
      tell(one.source, {.id = one.id, .grant = {.micro_dollars = one.admission.amount}});
      state_.counts.count_granted(one.admission.amount);
      state_.counts.observe(now - one.arrived);
      return;
    }
    state_.ledger.take_back(one.agent, {one.source->worker, one.id}, one.admission);
    state_.close_intent(*one.source, one.id, one.agent);
    tell(one.source, {.id = one.id, .refused = Refusal::kUnwritable});
  }
  void settle_spend() {
    for (const auto& record : records_) {
      if (!is_charged(record)) continue;
      if (record.kind == RecordKind::kOutcome) {
        state_.ledger.settle(record.agent, key_of(record), record.charge.amount);
        state_.counts.count_settled(record.charge.amount);
      } else if (record.kind == RecordKind::kLower) {
        state_.ledger.lower(record.agent, key_of(record), record.charge.amount);
      } else {
        continue;
      }
      state_.look_at_parked(record.agent);
    }
  }

  State& state_;
  std::vector<Entry> entries_;
  std::set<std::shared_ptr<IntakeSource>> asking_;
  const domain::Millis now_;
  Room room_;
  std::vector<SpoolRecord> records_;
  std::uint64_t intents_ = 0;
  std::vector<Admitted> admitted_;
  std::map<Source, std::vector<IntentAnswer>> answers_;
};

void AuditIntake::State::commit(bool with_held) {
  Commit commit(*this, std::exchange(batch, {}), std::exchange(waiting, {}));
  commit.judge_parked();
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

// Waking another thread costs a system call; one that is awake finds what there is by itself.
void AuditIntake::State::tell_drainer() {
  if (drainer_listens.exchange(false)) asio::post(drainer, on_durable);
}

}  // namespace deployclaw::egress
