#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/task.hpp"
#include "db/database.hpp"
#include "egress/messages.hpp"
#include "store/approval_asking.hpp"

namespace deployclaw::egress {

// The supervisor's part of requests that wait for a person: hands what a worker shows, unread, to
// the database, and tells the worker what becomes of it. A grant is used by one atomic statement,
// durable before the worker hears of it. While the database is away nothing is granted. One thread.
class ApprovalKeeper {
 public:
  // Of one worker: its client and its number.
  struct Asker {
    ClientId client;
    std::uint32_t worker = 0;
    auto operator<=>(const Asker&) const = default;
  };
  using Tell = std::function<void(const Asker&, const ApprovalAnswerMessage&)>;
  // How much of one worker's texts is on its way into the database.
  static constexpr std::size_t kMostText = 32UL * 1024 * 1024;
  static constexpr std::size_t kMostHolds = 4096;

  ApprovalKeeper(boost::asio::any_io_executor executor, db::Database& db,
                 std::chrono::seconds lifetime, Tell tell);

  // A piece of what the next question of that hold shows; beyond kMostText it is dropped, and the
  // question answered with kUnavailable.
  void take_text(const Asker& asker, ApprovalTextMessage piece);
  void ask(const Asker& asker, ApprovalMessage question);
  void drop(const Asker& asker, std::uint64_t hold);
  void worker_gone(const Asker& asker);

  // NOTIFY deployclaw_approvals: {"id", "state", …}. One that was missed is made up for within ten
  // seconds.
  void on_notification(std::string_view payload);
  void look_at_all() { look_at_all_ = true; }

  // Ends what is over, looks for what was missed, drops what is old. Until cancelled.
  Task<void> run();
  Task<void> stop();

  [[nodiscard]] std::size_t holding() const { return holds_.size(); }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  using Key = std::pair<Asker, std::uint64_t>;
  struct Hold {
    AgentId agent;
    ApprovalId id;  // nil while it is asked
    Time expires_at = {};
    bool looking = false;
  };

  Task<void> ask_database(Key key, ApprovalMessage question, std::string text);
  // Looks at every hold of that approval, one after another: the first gets the grant.
  Task<void> settle(ApprovalId id);
  Task<void> settle_one(Key key, ApprovalId id);
  void answer(const Key& key, ApprovalVerdict verdict, ApprovalId id = {}, Time expires_at = {});

  db::Database& db_;
  const std::chrono::seconds lifetime_;
  const Tell tell_;
  TaskGroup tasks_;
  SystemClock clock_;
  std::map<Key, Hold> holds_;
  std::map<Asker, std::map<std::uint64_t, std::string>> texts_;
  std::map<Asker, std::size_t> asking_;  // bytes of texts that the database is asked about
  std::set<ApprovalId> decided_;         // lately: one that was decided before its answer was read
  bool look_at_all_ = false;
  std::uint64_t used_ = 0;
};

}  // namespace deployclaw::egress
