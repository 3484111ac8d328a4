#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "db/database.hpp"
#include "egress/approval_grants.hpp"
#include "egress/messages.hpp"
#include "store/approval_asking.hpp"

namespace deployclaw::egress {

// The supervisor's part of requests that wait for a person: hands what a worker shows, unread, to
// the database, and tells the worker what becomes of it. A grant is used by one atomic statement,
// durable before the worker hears of it. While the database is away nothing is granted.
//
// Where a limit is reached nobody is asked and no grant is used. It may still be reached between
// that look and the request's admission: then the worker gives its grant back, which is kept here,
// in memory, for the next who asks for exactly the same while it lasts. One thread.
class ApprovalKeeper {
 public:
  using Asker = ApprovalAsker;
  // What is in the way of one more use of that scope (AuditIntake::check_limits).
  using CheckLimits =
      std::function<Task<std::optional<LimitRefusal>>(AgentId agent, std::uint8_t scope)>;
  using Tell = std::function<void(const Asker&, const ApprovalAnswerMessage&)>;
  // How much of one worker's texts is on its way into the database.
  static constexpr std::size_t kMostText = 32UL * 1024 * 1024;
  static constexpr std::size_t kMostHolds = 4096;

  ApprovalKeeper(boost::asio::any_io_executor executor, db::Database& db,
                 std::chrono::seconds lifetime, CheckLimits check_limits, Tell tell);

  // A piece of what the next question of that hold shows; beyond kMostText it is dropped, and the
  // question answered with kUnavailable.
  void take_text(const Asker& asker, ApprovalTextMessage piece);
  void ask(const Asker& asker, ApprovalMessage question);
  void drop(const Asker& asker, std::uint64_t hold);
  // Nothing was sent of the request whose hold was answered with kUsed.
  void keep_back(const Asker& asker, std::uint64_t hold);
  void worker_gone(const Asker& asker);

  // NOTIFY deployclaw_approvals: {"id", "agentId", "state", …}. One that was missed is made up for
  // within ten seconds.
  void on_notification(std::string_view payload);
  void look_at_all();

  // Ends what is over, looks for what was missed, drops what is old. Until cancelled.
  Task<void> run();
  Task<void> stop();

  [[nodiscard]] std::size_t holding() const { return holds_.size(); }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  using Key = ApprovalHoldKey;
  struct Hold {
    AgentId agent;
    ApprovalGrants::Digest digest{};
    std::uint8_t scope = kNoScope;
    ApprovalId id = {};  // nil while it is asked
    Time expires_at = {};
    bool looking = false;
  };

  Task<void> ask_for(Key key, ApprovalMessage question, std::string text);
  Task<void> ask_database(Key key, ApprovalMessage question, std::string text);
  // Looks at every hold of that approval, one after another: the first gets the grant. `state` is
  // what was told of it, or "".
  Task<void> settle(ApprovalId id, std::string state);
  Task<void> settle_one(Key key, ApprovalId id, std::string state);
  void answer(const Key& key, ApprovalVerdict verdict, ApprovalId id = {}, Time expires_at = {},
              std::optional<LimitRefusal> limit = {});
  bool lend_kept(const Key& key, const Hold& hold);

  db::Database& db_;
  const std::chrono::seconds lifetime_;
  const CheckLimits check_limits_;
  const Tell tell_;
  TaskGroup tasks_;
  SystemClock clock_;
  std::map<Key, Hold> holds_;
  std::map<Asker, std::map<std::uint64_t, std::string>> texts_;
  std::map<Asker, std::size_t> asking_;  // bytes of texts that the database is asked about
  // Lately, and how: one that was decided before its answer was read.
  std::map<ApprovalId, std::string> decided_;
  ApprovalGrants grants_;
  bool look_at_all_ = false;
  std::uint64_t used_ = 0;
};

}  // namespace deployclaw::egress
