#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/task.hpp"
#include "egress/audit_intake.hpp"
#include "egress/decision_counts.hpp"
#include "egress/held_records.hpp"
#include "egress/log_limiter.hpp"
#include "egress/packet_channel.hpp"

// What runs on the intake's thread; for audit_intake.cpp and audit_commit.cpp.
namespace deployclaw::egress {

// One worker's socket. Lives until its receive loop has ended and its records are durable.
struct IntakeSource {
  IntakeSource(boost::asio::any_io_executor executor, linux::UniqueFd fd, ClientId owner,
               std::uint64_t number)
      : channel(std::move(executor), std::move(fd)), client(owner), worker(number) {}
  PacketChannel channel;
  const ClientId client;
  const std::uint64_t worker;
  std::uint64_t received = 0;
  std::set<std::pair<std::uint64_t, AgentId>> open;  // intents without an outcome
  Refusal refusal = Refusal::kNo;                    // of the intents in the batch
};

struct IntakeClient {
  std::set<AgentId> agents;  // ever configured: the last records of one that is gone still come
  std::size_t open = 0;      // intents of all its workers
  LogLimiter lines;
};

struct AuditIntake::State {
  State(std::unique_ptr<Spool> opened, boost::asio::any_io_executor executor,
        std::function<void()> callback, LedgerTime ledger_time);

  // ---- audit_intake.cpp: what arrives.
  static Task<void> receive(State* state, std::shared_ptr<IntakeSource> source);
  void read(const std::shared_ptr<IntakeSource>& source, std::string_view packet);
  void end(IntakeSource& source);
  void end_former_life();
  void finish();
  void complain(const ClientId& client, std::string_view line);

  // ---- audit_commit.cpp: what becomes of it.
  void take(const std::shared_ptr<IntakeSource>& source, RecordMessage message);
  bool take_intent(const std::shared_ptr<IntakeSource>& source, const RecordMessage& message);
  void take_foreign(const std::shared_ptr<IntakeSource>& source, const RecordMessage& message);
  void add(SpoolRecord record, std::shared_ptr<IntakeSource> asking = {}, Charge charge = {});
  void commit(bool with_held);
  void commit_later();
  void lower(const IntakeSource& source, const RecordMessage& message);
  void refuse_early(const std::shared_ptr<IntakeSource>& source, const RecordMessage& message);
  void close_intent(IntakeSource& source, std::uint64_t id, AgentId agent);
  void commit_later_than_now();
  Status sync();
  void hold_all(std::vector<SpoolRecord> records);
  void hold_what_was_given_up();
  void tell_of_trouble(std::string_view cause);
  void tell_drainer();
  class Commit;

  // A record on its way into the spool.
  struct Entry {
    SpoolRecord record;
    std::shared_ptr<IntakeSource> asking;  // of an intent
    Charge charge;
    DecisionCounts::Clock::time_point arrived = DecisionCounts::Clock::now();
  };

  // ---- audit_parked.cpp: intents that wait for what running model calls of their agent hold.
  struct Parked {
    Entry entry;
    domain::Millis until = 0;
  };
  void park(Entry entry);
  // Money of the agent may have come free.
  void look_at_parked(AgentId agent);
  // The worker gave it up, or is gone: what has not been admitted yet never is.
  void forget_parked(const IntakeSource& source, std::uint64_t id, AgentId agent);
  void forget_parked_of(IntakeSource& source);
  void look_later();

  std::unique_ptr<Spool> spool;
  boost::asio::any_io_executor drainer;
  std::function<void()> on_durable;
  std::atomic<bool> drainer_listens = true;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  TaskGroup tasks;
  boost::asio::steady_timer later;
  LedgerTime ledger_now;
  Ledger ledger;
  std::map<AgentId, std::deque<Parked>> parked;  // first come, first served; none is empty
  std::set<AgentId> freed;                       // whose parked ones are to be looked at
  boost::asio::steady_timer parked_look;
  bool look_pending = false;
  std::map<ClientId, IntakeClient> clients;
  std::vector<Entry> batch;
  std::vector<std::pair<std::shared_ptr<IntakeSource>, IntentAnswer>> early;
  std::set<std::shared_ptr<IntakeSource>> sources;
  std::set<std::shared_ptr<IntakeSource>> waiting;  // for an answer
  std::vector<SpoolRecord> unsynced;                // appended, waited for by nobody
  std::uint64_t given_up = 0;                       // segments, when last looked at
  HeldRecords held;
  LogLimiter trouble;
  bool commit_posted = false;
  bool later_pending = false;
  std::atomic<bool> good = true;
  std::atomic<std::uint64_t> total = 0;
  std::atomic<std::uint64_t> syncs = 0;
  std::atomic<std::uint64_t> lost = 0;
  DecisionCounts counts;
  std::thread thread;
};

}  // namespace deployclaw::egress
