#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/connection.hpp"

namespace deployclaw::db {

// The connections that transactions lease, private to this module. At most `most` at a time;
// waiters are served in order. They are opened on demand and kept.
class LeasePool : public std::enable_shared_from_this<LeasePool> {
 public:
  LeasePool(boost::asio::any_io_executor executor, ConnectionOptions options, std::size_t most);

  // A clean connection; kUnavailable when none gets free before `deadline`.
  Task<Result<std::shared_ptr<Connection>>> acquire(Connection::Clock::time_point deadline);
  // Takes back what acquire() gave. Kept when clean, else closed.
  void release(std::shared_ptr<Connection> connection);
  // Rolls back whatever is open on the connection, then releases it.
  void roll_back_and_release(std::shared_ptr<Connection> connection);
  // Closes the idle ones, refuses the rest and waits for the roll-backs under way.
  Task<void> close();

 private:
  static Task<void> roll_back(std::shared_ptr<LeasePool> pool,
                              std::shared_ptr<Connection> connection);
  void wake_next();

  boost::asio::any_io_executor executor_;
  ConnectionOptions options_;
  std::size_t most_;
  std::size_t leased_ = 0;
  bool closed_ = false;
  std::vector<std::shared_ptr<Connection>> idle_;
  std::vector<std::weak_ptr<Connection>> all_;  // also the leased ones, for close()
  std::list<std::shared_ptr<boost::asio::steady_timer>> waiters_;
  TaskGroup group_;
};

// What a Transaction owns: the connection on loan and how far the transaction has come.
class Lease {
 public:
  Lease(std::shared_ptr<LeasePool> from, std::shared_ptr<Connection> c, std::optional<ClientId> t)
      : pool(std::move(from)), connection(std::move(c)), tenant(t) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  // Gives the connection back, after a ROLLBACK when a transaction may still be open on it.
  void end();

  std::shared_ptr<LeasePool> pool;
  std::shared_ptr<Connection> connection;  // null once ended
  std::optional<ClientId> tenant;
  bool begun = false;     // BEGIN has been sent
  bool finished = false;  // COMMIT or ROLLBACK has been answered
  bool busy = false;
  std::optional<Error> failure = {};
};

// set_config for row-level security; $1 is the client's id or "".
inline constexpr Statement kSetTenant{"deployclaw_set_tenant",
                                      "select set_config('deployclaw.client_id', $1, true)"};

}  // namespace deployclaw::db
