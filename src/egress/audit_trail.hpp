#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "egress/alarm.hpp"
#include "egress/gathering.hpp"
#include "egress/messages.hpp"
#include "egress/packet_channel.hpp"

namespace deployclaw::egress {

// A worker's way to the audit log: what is about to happen is durable before it happens. One
// thread. Records are JSON objects {actionType, target, outcome, metadata}; never a secret.
//
// Nobody waits for an outcome that frees nothing, so it travels with the next record that somebody
// waits for, or after kMostHeld: many requests at once then cost one packet each and not two. Of a
// worker that is killed meanwhile the intake ends such an intent as interrupted, as any that is
// open.
//
// What somebody waits for goes once the loop comes around, or a little later together with what
// others are about to tell: Gathering.
class AuditTrail {
 public:
  // `patience`: the usual, but for tests.
  AuditTrail(boost::asio::any_io_executor executor, linux::UniqueFd channel,
             const Gathering::Patience& patience = {});

  // Every record is handed to `cleaner` last, as it will be written: agents choose hosts, paths and
  // methods, and may put a real secret there. It overwrites such in place and keeps the JSON valid.
  using Cleaner = std::function<void(AgentId agent, std::string& json)>;
  void clean_with(Cleaner cleaner) { cleaner_ = std::move(cleaner); }

  // An intent that has been told. Its outcome must be told once; one that is dropped without it is
  // told as "abandoned".
  class Intent {
   public:
    Intent() = default;
    Intent(Intent&& other) noexcept { *this = std::move(other); }
    Intent& operator=(Intent&& other) noexcept;
    ~Intent();
    // Waits until it is durable, and admitted where it has a charge: up to 15 s, up to 35 where
    // running model calls of the agent hold the money. On an error nothing may happen:
    // kRateLimited or kUnavailable with refusal() when the ledger refuses, which leaves no record
    // of it (the caller tells of the denial); else kUnavailable: the spool refuses or is gone.
    Task<Result<Grant>> durable();
    // Why the ledger refused.
    [[nodiscard]] const std::optional<LimitRefusal>& refusal() const { return refusal_; }
    // Told once. `spent` of a model call; without it all that is reserved counts as spent.
    void finish(const boost::json::object& outcome,
                std::optional<domain::MicroDollars> spent = std::nullopt);
    // As finish(), of an object that is text already.
    void finish_text(std::string outcome, std::optional<domain::MicroDollars> spent = std::nullopt);
    // From now on the call costs no more than this, whatever happens to this process. Never raises.
    void lower(domain::MicroDollars reserved);
    [[nodiscard]] std::uint64_t id() const { return id_; }

   private:
    friend class AuditTrail;
    Result<Grant> take_answer();
    AuditTrail* trail_ = nullptr;
    AgentId agent_;
    std::uint64_t id_ = 0;
    std::uint64_t sequence_ = 0;
    Charge charge_;
    bool granted_ = false;
    std::optional<LimitRefusal> refusal_;
  };

  Intent intend(AgentId agent, const boost::json::object& record, Charge charge = {});
  // As intend(), of an object that is text already: nothing is looked up in it.
  Intent intend_text(AgentId agent, std::string record, Charge charge = {});
  // A denial or finding, whole in itself. Beyond kEventsPerSecond (after a burst of kEventBurst)
  // they are counted instead, and the next one tells how many as "leftOut": an agent that knocks at
  // shut doors all day must not fill the log that all clients' requests wait for.
  static constexpr double kEventsPerSecond = 50;
  static constexpr double kEventBurst = 500;
  void event(AgentId agent, boost::json::object record);

  // An outcome is on its way after so much at the latest, or when what is gathered then goes.
  static constexpr std::chrono::milliseconds kMostHeld{2};

  // Takes the spool's answers until the channel closes.
  Task<void> run();
  // What is held is sent before.
  void close();
  [[nodiscard]] bool is_open() const { return open_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Haste : std::uint8_t { kNow, kSoon };
  void flush();
  void flush_now();
  void look_later();
  void look();
  void rest();
  void flush_soon();
  void flush_if_held_long();
  std::uint64_t send(RecordMessage message, Haste haste = Haste::kNow);
  // Whether there is an answer to it, of either kind: how far everything is durable, or one to it
  // alone.
  [[nodiscard]] bool is_answered(const Intent& intent) const;
  Status durable_to(std::uint64_t sequence) const;
  Result<IntentAnswer> take_answer(std::uint64_t id);
  void take_answers(const DurableMessage& message);

  class Waiter;
  boost::asio::any_io_executor executor_;
  PacketChannel channel_;
  std::list<Waiter*> waiters_;
  // Of intents with a charge that have no answer yet, or one that nobody has taken.
  std::map<std::uint64_t, std::optional<IntentAnswer>> answers_;
  std::string packet_;            // records that go together
  Clock::time_point held_since_;  // its first one
  Gathering gathering_;
  bool now_ = false;      // it goes once gathering_ says so
  bool resting_ = false;  // until rest_ rings or there is something to tell
  Alarm rest_;
  Alarm hold_;  // for what nobody waits for
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Cleaner cleaner_;
  double allowance_ = kEventBurst;
  std::chrono::steady_clock::time_point allowed_at_ = std::chrono::steady_clock::now();
  std::uint64_t left_out_ = 0;
  std::uint64_t next_id_ = 1;
  std::uint64_t sent_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t refused_ = 0;  // records up to here were refused since durable_
  Refusal refusal_ = Refusal::kNo;
  bool open_ = true;
};

}  // namespace deployclaw::egress
