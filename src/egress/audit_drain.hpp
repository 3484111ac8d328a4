#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "db/database.hpp"
#include "egress/audit_intake.hpp"
#include "store/egress.hpp"

namespace deployclaw::egress {

// Writes the spool into the audit log, in order, each record exactly once: the position in the
// spool moves in the transaction that writes the records. While the database is away it waits and
// the spool grows. An intent and its outcome that meet in one stretch become one record; otherwise
// the intent stands alone as "pending" and its outcome follows as a record of its own; "intent" in
// the metadata of both is what puts them together.
//
// Damage in the spool does not stop it: what cannot be read is stepped over, kept aside, and told
// in the log of the platform (the nil client) in the same transaction.
class AuditDrain {
 public:
  AuditDrain(boost::asio::any_io_executor executor, db::Database& db, AuditIntake& intake,
             std::string host);

  // Runs until cancelled.
  Task<void> run();
  // Called by run() each time before it writes, with where the database is in the spool; nothing
  // moves until it has ended. An error is tried again.
  void before_writing(std::function<Task<Status>(std::uint64_t position)> step) {
    before_writing_ = std::move(step);
  }
  // There is more to write.
  void wake();
  // Tries to write everything that is durable now, once.
  Task<Status> drain();
  // As drain(), but no more than a stop may take.
  Task<Status> drain_last();

  [[nodiscard]] std::optional<std::uint64_t> position() const { return position_; }
  // Bytes of the spool that could not be read.
  [[nodiscard]] std::uint64_t lost_bytes() const { return lost_bytes_; }

 private:
  Task<Status> run_once();
  Task<Status> drain_until(std::uint64_t end, int most_stretches);
  Task<Result<bool>> write_one_stretch();
  Task<Status> find_position();
  Task<Status> begin_new_history();
  Task<Status> write(Spool::Stretch stretch);
  store::SpooledEvent tell_lost(const Spool::Stretch& stretch);

  db::Database& db_;
  AuditIntake& intake_;
  const std::string host_;
  std::string spool_;  // "<host>/<spool's name>"
  std::optional<std::uint64_t> position_;
  std::function<Task<Status>(std::uint64_t)> before_writing_;
  boost::asio::steady_timer alarm_;
  std::uint64_t lost_bytes_ = 0;
  bool awake_ = true;
};

// Puts each intent of a stretch together with its outcome. Text that the database could not take
// (not UTF-8, a NUL, nested too deep) becomes "unreadable", so that it keeps no other record out of
// the log. Pure.
std::vector<store::SpooledEvent> pair_up(std::vector<SpoolRecord> records);

}  // namespace deployclaw::egress
