#include "db/transaction.hpp"

#include "db/lease_pool.hpp"

namespace deployclaw::db {

namespace {

constexpr Statement kBegin{"", "begin"};
constexpr Statement kCommit{"", "commit"};
constexpr Statement kRollback{"", "rollback"};
constexpr std::chrono::seconds kEndDeadline{10};

// Marks the transaction as busy for one call, whichever way that ends.
struct Busy {
  explicit Busy(Lease& l) : lease(l) { lease.busy = true; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { lease.busy = false; }
  Lease& lease;
};

Status usable(const Lease* lease) {
  if (lease == nullptr || !lease->connection) {
    return fail(Code::kInternal, "the transaction is over");
  }
  if (lease->busy) return fail(Code::kInternal, "two statements at once in one transaction");
  if (lease->failure) return context("the transaction has failed", *lease->failure);
  return {};
}

std::vector<Command> unit_of(Statement statement, Params params) {
  std::vector<Command> unit;
  unit.push_back({statement, std::move(params)});
  return unit;
}

}  // namespace

Transaction::Transaction(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

std::optional<ClientId> Transaction::tenant() const {
  return lease_ ? lease_->tenant : std::nullopt;
}

Task<Result<Rows>> Transaction::query(Statement statement, Params params,
                                      std::chrono::milliseconds deadline) {
  const auto ready = usable(lease_.get());
  if (!ready) co_return std::unexpected(ready.error());
  const Busy busy(*lease_);
  std::vector<Command> unit;
  if (!lease_->begun) {
    // One unit with the first statement: if BEGIN or set_config fail, the statement is skipped. It
    // can never run outside the transaction or without its tenant.
    unit.push_back({kBegin, Params()});
    if (lease_->tenant) unit.push_back({kSetTenant, Params::of(*lease_->tenant)});
    lease_->begun = true;
  }
  unit.push_back({statement, std::move(params)});
  const auto by = Connection::Clock::now() + deadline;
  auto rows = co_await lease_->connection->run(std::move(unit), by);
  if (!rows) lease_->failure = rows.error();
  co_return rows;
}

Task<Status> Transaction::commit() {
  const auto ready = usable(lease_.get());
  if (!ready) {
    if (lease_ && !lease_->busy) lease_->end();
    co_return ready;
  }
  if (!lease_->begun) {
    lease_->end();
    co_return Status();
  }
  Result<Rows> rows;
  {
    const Busy busy(*lease_);
    auto unit = unit_of(kCommit, Params());
    const auto by = Connection::Clock::now() + kEndDeadline;
    rows = co_await lease_->connection->run(std::move(unit), by);
    lease_->finished = rows.has_value();
  }
  lease_->end();
  if (!rows) co_return context("commit", std::move(rows.error()));
  // PostgreSQL answers COMMIT of a failed transaction with success and the tag ROLLBACK.
  if (rows->command() != "COMMIT") co_return fail(Code::kInternal, "commit: rolled back instead");
  co_return Status();
}

Task<void> Transaction::rollback() {
  if (!lease_ || !lease_->connection || lease_->busy) co_return;
  if (lease_->begun) {
    const Busy busy(*lease_);
    auto unit = unit_of(kRollback, Params());
    const auto by = Connection::Clock::now() + kEndDeadline;
    const auto rows = co_await lease_->connection->run(std::move(unit), by);
    lease_->finished = rows.has_value();
  }
  lease_->end();
}

}  // namespace deployclaw::db
