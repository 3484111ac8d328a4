#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "egress/ledger.hpp"
#include "egress/ledger_time.hpp"
#include "egress/spool.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// Takes the workers' audit records into the spool and tells each worker what is durable, on a
// thread of its own: no request of an agent waits for anything but the disk. Records that come
// while a sync runs share the next one. Records without an intent among them wait for nobody and
// are synced a little later.
//
// A worker that ends leaves its open intents ended as "interrupted", and so does a former life of
// this process that was killed. A worker may only speak of its own client and that client's agents:
// whose a record is comes from add_worker() and add_agents(). It cannot take more than its client's
// share of the spool, of open intents, of this thread's time or of the log.
//
// The ledger is asked here too: an intent with a charge is admitted and made durable in one step,
// or refused with the limit that is in its way, or waits while running model calls of its agent
// hold the money. Each has an answer of its own.
//
// Intents that cannot be made durable are refused, with the reason. Outcomes and events that cannot
// be written wait in memory; those that are too many for that are counted, and the count is
// written.
class AuditIntake {
 public:
  // The ledger's time, in milliseconds since 1970; never falls. Called on the intake's thread.
  using LedgerTime = std::function<domain::Millis()>;
  // `on_durable` is called on `executor` once when there is something to drain, and then once for
  // each tell_of_more().
  AuditIntake(std::unique_ptr<Spool> spool, boost::asio::any_io_executor executor,
              std::function<void()> on_durable, LedgerTime ledger_time = steady_ledger_time());
  ~AuditIntake();  // ends the thread after what has arrived is durable
  AuditIntake(const AuditIntake&) = delete;
  AuditIntake& operator=(const AuditIntake&) = delete;

  // Agents that workers of `client` may speak of, from now on. Thread-safe.
  void add_agents(ClientId client, std::vector<AgentId> agents);
  // `channel` is the supervisor's end of the worker's audit socket. Thread-safe.
  void add_worker(linux::UniqueFd channel, ClientId client);
  // What holds for these agents from now on. Thread-safe.
  void set_limits(std::vector<std::pair<AgentId, domain::AgentLimits>> limits);
  // What an agent used in a former life; without it everything charged is refused. Thread-safe.
  void load_uses(AgentId agent, Ledger::Past past);
  // Nobody's past is known any more. Thread-safe.
  void forget_uses();
  // As Ledger::forget_others(). Thread-safe.
  void forget_others(std::set<AgentId> kept);
  // As Ledger::check(), now. Called on `executor`; nothing when it is cancelled.
  Task<std::optional<LimitRefusal>> check_limits(AgentId agent, std::uint8_t scope);
  // A record of the supervisor itself. Not waited for. Thread-safe.
  void add_event(ClientId client, AgentId agent, std::string json);
  // Has `on_durable` called when something becomes durable behind `position`. False when that lies
  // there already: whoever asks goes on by itself. On any one thread.
  [[nodiscard]] bool tell_of_more(std::uint64_t position);
  // Deletes what the database has. Thread-safe.
  void discard_before(std::uint64_t position);

  // What belongs to the reader only: read(), keep_aside(), name(), rename(), begin(), the ends.
  [[nodiscard]] Spool& spool();
  // False while the last write failed or the spool is full: intents are refused.
  [[nodiscard]] bool writable() const;
  // Bytes of the spool that the database does not have yet.
  [[nodiscard]] std::uint64_t waiting_bytes() const;
  [[nodiscard]] std::uint64_t records() const;
  [[nodiscard]] std::uint64_t syncs() const;
  // Records of which only the number is written.
  [[nodiscard]] std::uint64_t lost() const;
  // What was decided, as text for the metrics.
  [[nodiscard]] std::string decisions() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::egress
