#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/error.hpp"
#include "db/params.hpp"
#include "db/rows.hpp"
#include "db/statement.hpp"
#include "db/transaction.hpp"

namespace deployclaw::db {

struct Options {
  std::string conninfo;  // libpq connection string or URI
  std::size_t shared_connections = 2;
  std::size_t max_transactions = 8;
  // Enforced by the server on every statement of these connections.
  std::chrono::milliseconds statement_timeout{30'000};
  std::string application_name = "deployclaw";
};

inline constexpr std::chrono::milliseconds kQueryDeadline{5'000};

// PostgreSQL for one io_context. Autocommit queries of all coroutines share a few connections in
// libpq's pipeline mode: a query costs one small write and its share of a read, and an error fails
// that query alone. A transaction leases a connection of its own. Lost connections come back by
// themselves with backoff; what was pending on them answers kUnavailable (whether it took effect is
// then unknown), and queries made while nothing is connected wait at most a second.
//
// Use it only from its executor's thread. A cancelled caller gets kCancelled at once; its query may
// still run, and its answer is consumed and dropped.
class Database {
 public:
  // Connects in the background; does not wait for the server.
  Database(boost::asio::any_io_executor executor, Options options);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  // close() must have returned, or the io_context must never run again.
  ~Database();

  // Runs one statement without a tenant, in a transaction of its own. Errors: see db/error.hpp;
  // kTimeout after `deadline` (the outcome is then unknown), kUnavailable without a connection.
  Task<Result<Rows>> query(Statement statement, Params params,
                           std::chrono::milliseconds deadline = kQueryDeadline);
  Task<Result<Rows>> query(Statement statement) { return query(statement, Params()); }

  // As above with row-level security set to `tenant` for this statement alone: set_config and the
  // statement are one implicit transaction and one round trip. The nil client is the platform: it
  // sees no client's rows.
  Task<Result<Rows>> query(ClientId tenant, Statement statement, Params params,
                           std::chrono::milliseconds deadline = kQueryDeadline);
  Task<Result<Rows>> query(ClientId tenant, Statement statement) {
    return query(tenant, statement, Params());
  }

  // Leases a connection for a transaction, waiting at most `wait` for a free one (kUnavailable
  // after that). BEGIN travels with the first statement.
  Task<Result<Transaction>> begin(std::optional<ClientId> tenant,
                                  std::chrono::milliseconds wait = kQueryDeadline);
  Task<Result<Transaction>> begin() { return begin(std::nullopt); }

  // True while at least one shared connection is up (for /readyz).
  [[nodiscard]] bool connected() const;

  // Fails what is pending with kUnavailable, closes every connection and waits for that.
  Task<void> close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deployclaw::db
