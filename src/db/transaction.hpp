#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/ids.hpp"
#include "base/task.hpp"
#include "db/params.hpp"
#include "db/rows.hpp"
#include "db/statement.hpp"

namespace deployclaw::db {

class Lease;

// A READ COMMITTED transaction on a connection of its own. Dropping it without commit() rolls back;
// the connection serves again only after a clean ROLLBACK, else it is closed. One statement at a
// time: a query made while another one of the same transaction runs answers kInternal. After a
// statement failed, every later one and commit() answer that failure's code.
class Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  // Runs one statement. Errors as Database::query.
  Task<Result<Rows>> query(Statement statement, Params params,
                           std::chrono::milliseconds deadline = std::chrono::milliseconds(5'000));
  Task<Result<Rows>> query(Statement statement) { return query(statement, Params()); }

  // Makes the changes durable; after an error they are not, except kTimeout, kCancelled and
  // kUnavailable, where the outcome is unknown. The transaction is over either way.
  Task<Status> commit();

  // Undoes everything and waits until that is done. Dropping the object does the same unobserved.
  Task<void> rollback();

  [[nodiscard]] std::optional<ClientId> tenant() const;

 private:
  friend class Database;
  explicit Transaction(std::unique_ptr<Lease> lease);
  std::unique_ptr<Lease> lease_;
};

}  // namespace deployclaw::db
