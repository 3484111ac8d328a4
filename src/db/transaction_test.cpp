#include "db/transaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/database.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::Postgres;
using testing::run_to_end;

constexpr Statement kInsert{"insert_note", "insert into notes (id) values ($1::int)"};
constexpr Statement kCount{"count_notes", "select count(*) from notes"};
constexpr Statement kBackend{"backend", "select pg_backend_pid()"};
constexpr Statement kTenant{"tenant", "select current_setting('deployclaw.client_id', true)"};
constexpr Statement kSleep{"sleep", "select pg_sleep($1)"};

class TransactionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Postgres::shared().run(
        "set client_min_messages = error; drop table if exists notes; create table notes (id int "
        "primary key)");
  }
  void TearDown() override { Postgres::shared().run("drop table if exists notes"); }

  void run(std::size_t most, Task<void> (*body)(Database&)) {
    Options options{.conninfo = Postgres::shared().conninfo("postgres"),
                    .shared_connections = 1,
                    .max_transactions = most};
    run_to_end(io_, with_database(std::move(options), body));
  }

 private:
  Task<void> with_database(Options options, Task<void> (*body)(Database&)) {
    Database database(io_.get_executor(), std::move(options));
    std::exception_ptr thrown;
    try {
      co_await body(database);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await database.close();
    if (thrown) std::rethrow_exception(thrown);
  }

  asio::io_context io_;
};

Task<std::int64_t> count(Database& database) {
  const auto rows = co_await database.query(kCount);
  co_return rows ? rows->front().int64(0) : -1;
}

Task<Result<Rows>> insert(Transaction& transaction, int id) {
  auto params = Params::of(id);
  return transaction.query(kInsert, std::move(params));
}

TEST_F(TransactionTest, CommitKeepsAndOthersSeeNothingBefore) {
  run(2, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto inserted = co_await insert(*transaction, 1);
    EXPECT_TRUE(inserted);
    if (inserted) {
      EXPECT_EQ(inserted->affected(), 1);
    }
    const auto before = co_await count(database);
    EXPECT_EQ(before, 0);
    const auto committed = co_await transaction->commit();
    EXPECT_TRUE(committed);
    const auto after = co_await count(database);
    EXPECT_EQ(after, 1);
    const auto late = co_await insert(*transaction, 2);
    EXPECT_FALSE(late) << "the transaction is over";
    const auto twice = co_await transaction->commit();
    EXPECT_FALSE(twice);
  });
}

Task<std::int64_t> backend_of(Database& database) {
  auto transaction = co_await database.begin();
  const auto rows = co_await transaction->query(kBackend);
  const auto backend = rows ? rows->front().int64(0) : -1;
  const auto committed = co_await transaction->commit();
  EXPECT_TRUE(committed);
  co_return backend;
}

Task<void> insert_and_drop(Database& database) {
  auto transaction = co_await database.begin();
  const auto inserted = co_await insert(*transaction, 1);
  EXPECT_TRUE(inserted);
}

TEST_F(TransactionTest, DroppingRollsBackAndTheConnectionServesAgain) {
  run(1, [](Database& database) -> Task<void> {
    const auto first = co_await backend_of(database);
    co_await insert_and_drop(database);
    // With one connection this waits for the roll-back.
    const auto second = co_await backend_of(database);
    EXPECT_EQ(first, second);
    const auto left = co_await count(database);
    EXPECT_EQ(left, 0);
  });
}

TEST_F(TransactionTest, RollbackIsExplicitToo) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto inserted = co_await insert(*transaction, 1);
    EXPECT_TRUE(inserted);
    co_await transaction->rollback();
    const auto left = co_await count(database);
    EXPECT_EQ(left, 0);
  });
}

TEST_F(TransactionTest, AfterAFailureNothingRunsAndCommitSaysWhy) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto first = co_await insert(*transaction, 1);
    EXPECT_TRUE(first);
    const auto again = co_await insert(*transaction, 1);
    EXPECT_FALSE(again);
    if (!again) {
      EXPECT_EQ(again.error().code, Code::kConflict);
      EXPECT_EQ(constraint_of(again.error()), "notes_pkey");
    }
    const auto other = co_await insert(*transaction, 2);
    EXPECT_FALSE(other);
    const auto committed = co_await transaction->commit();
    EXPECT_FALSE(committed);
    if (!committed) {
      EXPECT_EQ(committed.error().code, Code::kConflict);
      EXPECT_EQ(constraint_of(committed.error()), "notes_pkey");
    }
    const auto left = co_await count(database);
    EXPECT_EQ(left, 0);
  });
}

TEST_F(TransactionTest, ACommitThatTheServerTurnsIntoARollbackIsAFailure) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    // Deferred, so that the failure shows at COMMIT only.
    constexpr Statement kDefer{"defer",
                               "create temp table later (id int primary key deferrable initially "
                               "deferred) on commit drop"};
    constexpr Statement kTwice{"twice", "insert into later values (1), (1)"};
    const auto created = co_await transaction->query(kDefer);
    EXPECT_TRUE(created);
    const auto inserted = co_await transaction->query(kTwice);
    EXPECT_TRUE(inserted);
    const auto committed = co_await transaction->commit();
    EXPECT_FALSE(committed);
    if (!committed) {
      EXPECT_EQ(committed.error().code, Code::kConflict);
    }
    const auto next = co_await backend_of(database);
    EXPECT_GT(next, 0);
  });
}

TEST_F(TransactionTest, AnEmptyTransactionCommits) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto committed = co_await transaction->commit();
    EXPECT_TRUE(committed);
    const auto next = co_await backend_of(database);
    EXPECT_GT(next, 0);
  });
}

Task<void> run_insert(Transaction& transaction, int id, Result<Rows>& out) {
  auto params = Params::of(id);
  out = co_await transaction.query(kInsert, std::move(params));
}

TEST_F(TransactionTest, TwoStatementsAtOnceAreRefused) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor);
    Result<Rows> first;
    Result<Rows> second;
    group.spawn("first", run_insert(*transaction, 1, first));
    group.spawn("second", run_insert(*transaction, 2, second));
    co_await group.join();
    EXPECT_TRUE(first);
    EXPECT_FALSE(second);
    if (!second) {
      EXPECT_EQ(second.error().code, Code::kInternal);
    }
  });
}

TEST_F(TransactionTest, TheTenantHoldsForTheTransactionAndNoLonger) {
  run(1, [](Database& database) -> Task<void> {
    const auto tenant = ClientId::random();
    {
      auto transaction = co_await database.begin(tenant);
      for (int i = 0; i < 2; ++i) {
        const auto rows = co_await transaction->query(kTenant);
        EXPECT_EQ(rows->front().text(0), tenant.to_string());
      }
      const auto committed = co_await transaction->commit();
      EXPECT_TRUE(committed);
    }
    auto next = co_await database.begin();
    const auto rows = co_await next->query(kTenant);
    EXPECT_EQ(rows->front().maybe_text(0).value_or(""), "");
  });
}

TEST_F(TransactionTest, WithoutAFreeConnectionBeginIsUnavailableAfterItsWait) {
  run(1, [](Database& database) -> Task<void> {
    auto holder = co_await database.begin();
    EXPECT_TRUE(holder);
    const auto refused = co_await database.begin(std::nullopt, 20ms);
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code, Code::kUnavailable);
    }
  });
}

Task<void> one_transaction(Database& database, int id, int& done) {
  auto transaction = co_await database.begin();
  if (!transaction) co_return;
  const auto inserted = co_await insert(*transaction, id);
  if (!inserted || id % 3 == 0) co_return;  // every third is dropped
  const auto committed = co_await transaction->commit();
  done += committed.has_value();
}

TEST_F(TransactionTest, ManyTransactionsTakeTurns) {
  run(3, [](Database& database) -> Task<void> {
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor);
    int done = 0;
    for (int i = 0; i < 60; ++i) group.spawn("transaction", one_transaction(database, i, done));
    co_await group.join();
    EXPECT_EQ(done, 40);
    const auto left = co_await count(database);
    EXPECT_EQ(left, 40);
  });
}

Task<void> insert_and_sleep(Database& database, Code& code) {
  auto transaction = co_await database.begin();
  const auto inserted = co_await insert(*transaction, 7);
  EXPECT_TRUE(inserted);
  auto params = Params::of(0.2);
  const auto slept = co_await transaction->query(kSleep, std::move(params));
  code = slept ? Code::kInternal : slept.error().code;
}

TEST_F(TransactionTest, ACancelledHolderRollsBackAfterItsStatementEnds) {
  run(1, [](Database& database) -> Task<void> {
    const auto executor = co_await asio::this_coro::executor;
    const auto first = co_await backend_of(database);
    TaskGroup group(executor);
    Code code = Code::kInternal;
    group.spawn("holder", insert_and_sleep(database, code));
    co_await sleep_for(60ms);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(code, Code::kCancelled);
    const auto second = co_await backend_of(database);
    EXPECT_EQ(first, second);
    const auto left = co_await count(database);
    EXPECT_EQ(left, 0);
  });
}

Task<void> hold(Database& database, std::chrono::milliseconds span) {
  auto transaction = co_await database.begin();
  if (transaction) co_await sleep_for(span);
}

TEST_F(TransactionTest, ACancelledWaiterDoesNotTakeTheTurnOfTheNext) {
  run(1, [](Database& database) -> Task<void> {
    const auto executor = co_await asio::this_coro::executor;
    TaskGroup holders(executor);
    TaskGroup doomed(executor);
    int done = 0;
    holders.spawn("holder", hold(database, 50ms));
    for (int i = 0; i < 5; ++i) doomed.spawn("doomed", hold(database, 50ms));
    holders.spawn("last", one_transaction(database, 1, done));
    co_await sleep_for(10ms);
    doomed.cancel();
    co_await doomed.join();
    co_await holders.join();
    EXPECT_EQ(done, 1);
  });
}

TEST_F(TransactionTest, AServerCrashEndsItAndTheNextGetsAFreshConnection) {
  run(1, [](Database& database) -> Task<void> {
    auto transaction = co_await database.begin();
    const auto inserted = co_await insert(*transaction, 1);
    EXPECT_TRUE(inserted);
    Postgres::shared().kill();
    Postgres::shared().start();
    const auto committed = co_await transaction->commit();
    EXPECT_FALSE(committed);
    if (!committed) {
      EXPECT_EQ(committed.error().code, Code::kUnavailable);
    }
    const auto next = co_await backend_of(database);
    EXPECT_GT(next, 0);
  });
}

Task<void> keep_after_close(Database& database, std::optional<Transaction>& kept) {
  auto transaction = co_await database.begin();
  const auto inserted = co_await insert(*transaction, 1);
  EXPECT_TRUE(inserted);
  kept = std::move(*transaction);
}

TEST_F(TransactionTest, OneThatOutlivesItsDatabaseFailsCleanly) {
  static std::optional<Transaction> kept;
  run(1, [](Database& database) -> Task<void> { co_await keep_after_close(database, kept); });
  kept.reset();
}

}  // namespace
}  // namespace deployclaw::db
