#include "db/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <vector>

#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::Postgres;
using testing::run_to_end;

constexpr Statement kEcho{"echo", "select $1::int"};
constexpr Statement kEchoSlowly{"echo_slowly", "select $1::int from pg_sleep($2)"};
constexpr Statement kDivide{"divide", "select 1 / $1::int"};
constexpr Statement kUnknownTable{"unknown_table",
                                  "select * from no_such_table where id = $1::int"};
constexpr Statement kTenant{"tenant", "select current_setting('deployclaw.client_id', true)"};
constexpr Statement kBackend{"backend", "select pg_backend_pid()"};
constexpr Statement kSleep{"sleep", "select pg_sleep($1)"};

Options superuser(std::size_t shared = 2, std::size_t transactions = 8) {
  return {.conninfo = Postgres::shared().conninfo("postgres"),
          .shared_connections = shared,
          .max_transactions = transactions};
}

// A test body gets an open database; it is closed at the end whatever happened.
Task<void> with_database(asio::io_context& io, Options options, Task<void> (*body)(Database&)) {
  Database database(io.get_executor(), std::move(options));
  std::exception_ptr thrown;
  try {
    co_await body(database);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await database.close();
  if (thrown) std::rethrow_exception(thrown);
}

void run(Options options, Task<void> (*body)(Database&)) {
  asio::io_context io;
  run_to_end(io, with_database(io, std::move(options), body));
}

// --- sharing a connection ---

Task<void> one_of_many(Database& database, int i, int& in_flight, int& most, int& good) {
  most = std::max(most, ++in_flight);
  Statement statement = kEcho;
  int value = i;
  if (i % 7 == 3) statement = kDivide, value = 0;
  if (i % 11 == 5) statement = kUnknownTable;
  auto params = Params::of(value);
  const auto rows = co_await database.query(statement, std::move(params));
  --in_flight;
  if (statement.name == "echo") {
    good += rows.has_value() && rows->front().int64(0) == i;
  } else if (statement.name == "divide") {
    good += !rows && sqlstate_of(rows.error()) == "22012";
  } else {
    good += !rows && sqlstate_of(rows.error()) == "42P01";
  }
}

Task<void> many_at_once(Database& database) {
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup group(executor);
  int in_flight = 0;
  int most = 0;
  int good = 0;
  for (int i = 0; i < 1000; ++i) {
    group.spawn("query", one_of_many(database, i, in_flight, most, good));
  }
  co_await group.join();
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(most, 1000) << "the queries did not overlap";
}

TEST(Database, AnswersAThousandMixedQueriesAtOnceEachWithItsOwnResult) {
  run(superuser(), many_at_once);
}

TEST(Database, OneSharedConnectionDoesTheSame) { run(superuser(1), many_at_once); }

Task<void> errors_stay_alone(Database& database) {
  auto zero = Params::of(0);
  const auto failed = co_await database.query(kDivide, std::move(zero));
  EXPECT_FALSE(failed);
  if (!failed) {
    EXPECT_EQ(failed.error().code, Code::kInvalid);
    EXPECT_THAT(failed.error().message, ::testing::HasSubstr("divide"));
  }
  auto one = Params::of(1);
  const auto fine = co_await database.query(kDivide, std::move(one));
  EXPECT_TRUE(fine);
}

TEST(Database, AFailedQueryLeavesTheConnectionFitForTheNext) {
  run(superuser(1), errors_stay_alone);
}

Task<void> failed_prepare(Database& database) {
  for (int i = 0; i < 3; ++i) {
    auto params = Params::of(1);
    const auto rows = co_await database.query(kUnknownTable, std::move(params));
    EXPECT_FALSE(rows);
    if (!rows) {
      EXPECT_EQ(sqlstate_of(rows.error()), "42P01");
    }
  }
  constexpr Statement kCreate{"create", "create table no_such_table (id int)"};
  constexpr Statement kDrop{"drop", "drop table no_such_table"};
  const auto created = co_await database.query(kCreate);
  EXPECT_TRUE(created);
  auto params = Params::of(1);
  const auto rows = co_await database.query(kUnknownTable, std::move(params));
  EXPECT_TRUE(rows) << "a statement that could not be prepared once is prepared again";
  const auto dropped = co_await database.query(kDrop);
  EXPECT_TRUE(dropped);
}

TEST(Database, PreparesAgainWhatCouldNotBePrepared) { run(superuser(1), failed_prepare); }

Task<void> changed_result_type(Database& database) {
  constexpr Statement kCreate{"create", "create table shifting (id int)"};
  constexpr Statement kSelect{"select", "select * from shifting"};
  constexpr Statement kAlter{"alter", "alter table shifting add column name text"};
  constexpr Statement kDrop{"drop", "drop table shifting"};
  for (const auto statement : {kCreate, kSelect, kAlter}) {
    const auto done = co_await database.query(statement);
    EXPECT_TRUE(done);
  }
  const auto stale = co_await database.query(kSelect);
  EXPECT_FALSE(stale);
  const auto fresh = co_await database.query(kSelect);
  EXPECT_TRUE(fresh);
  const auto dropped = co_await database.query(kDrop);
  EXPECT_TRUE(dropped);
}

TEST(Database, RecoversFromASchemaChangeUnderAPreparedStatement) {
  run(superuser(1), changed_result_type);
}

Task<void> misuse(Database& database) {
  const auto first = co_await database.query(kTenant);
  EXPECT_TRUE(first);
  constexpr Statement kImpostor{"tenant", "select 1"};
  const auto second = co_await database.query(kImpostor);
  EXPECT_FALSE(second);
  if (!second) {
    EXPECT_EQ(second.error().code, Code::kInternal);
  }
  constexpr Statement kText{"text", "select $1::text"};
  auto nul = Params::of(std::string("a\0b", 3));
  const auto third = co_await database.query(kText, std::move(nul));
  EXPECT_FALSE(third);
  if (!third) {
    EXPECT_EQ(third.error().code, Code::kInvalid);
  }
  constexpr Statement kCopy{"copy", "copy clients to stdout"};
  const auto fourth = co_await database.query(kCopy);
  EXPECT_FALSE(fourth);
}

TEST(Database, RefusesTwoStatementsOfOneNameAndTextWithNul) { run(superuser(1), misuse); }

Task<void> large_values(Database& database) {
  // Larger than every socket buffer on the way, both ways, so that writes have to wait for reads.
  constexpr Statement kLarge{"large", "select $1::text"};
  const auto executor = co_await asio::this_coro::executor;
  const std::string large(3'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    auto params = Params::of(large);
    const auto rows = co_await database.query(kLarge, std::move(params));
    EXPECT_TRUE(rows);
    if (rows) {
      EXPECT_EQ(rows->front().text(0).size(), large.size());
    }
  }
}

TEST(Database, CarriesValuesLargerThanTheSocketBuffers) { run(superuser(1), large_values); }

// --- giving up ---

Task<void> cancelled_query(Database& database, Code& code) {
  auto params = Params::of(1, 0.3);
  const auto rows = co_await database.query(kEchoSlowly, std::move(params));
  code = rows ? Code::kInternal : rows.error().code;
}

Task<void> next_query(Database& database, int i, int& good) {
  auto params = Params::of(i);
  const auto rows = co_await database.query(kEcho, std::move(params));
  good += rows && rows->front().int64(0) == i;
}

Task<void> cancellation(Database& database) {
  const auto executor = co_await asio::this_coro::executor;
  const auto warm = co_await database.query(kTenant);
  EXPECT_TRUE(warm);
  TaskGroup doomed(executor);
  TaskGroup rest(executor);
  Code code{};
  int good = 0;
  doomed.spawn("doomed", cancelled_query(database, code));
  for (int i = 0; i < 50; ++i) rest.spawn("next", next_query(database, i, good));
  co_await sleep_for(20ms);
  doomed.cancel();
  co_await doomed.join();
  EXPECT_EQ(code, Code::kCancelled);
  EXPECT_EQ(good, 0) << "the others wait behind the slow query";
  co_await rest.join();
  EXPECT_EQ(good, 50);
}

TEST(Database, CancellingAWaiterLeavesTheOthersTheirAnswers) { run(superuser(1), cancellation); }

Task<void> deadline(Database& database) {
  const auto before = co_await database.query(kBackend);
  auto params = Params::of(10.0);
  const auto late = co_await database.query(kSleep, std::move(params), 50ms);
  EXPECT_FALSE(late);
  if (!late) {
    EXPECT_EQ(late.error().code, Code::kTimeout);
  }
  const auto after = co_await database.query(kBackend);
  EXPECT_TRUE(after) << "a stuck connection is replaced";
  if (before && after) {
    EXPECT_NE(before->front().int64(0), after->front().int64(0));
  }
}

TEST(Database, ADeadlineAnswersTimeoutAndReplacesTheStuckConnection) {
  run(superuser(1), deadline);
}

Task<void> timed_query(Database& database, double seconds, std::chrono::milliseconds by,
                       Result<Rows>& out) {
  auto params = Params::of(1, seconds);
  out = co_await database.query(kEchoSlowly, std::move(params), by);
}

Task<void> deadline_behind(Database& database) {
  const auto executor = co_await asio::this_coro::executor;
  const auto warm = co_await database.query(kTenant);
  EXPECT_TRUE(warm);
  TaskGroup group(executor);
  Result<Rows> slow;
  Result<Rows> impatient;
  group.spawn("slow", timed_query(database, 0.3, 5s, slow));
  group.spawn("impatient", timed_query(database, 0, 50ms, impatient));
  co_await group.join();
  EXPECT_TRUE(slow) << "it was within its own deadline";
  EXPECT_FALSE(impatient);
  if (!impatient) {
    EXPECT_EQ(impatient.error().code, Code::kTimeout);
  }
}

TEST(Database, AQueryThatWaitsBehindAnotherGivesUpAlone) { run(superuser(1), deadline_behind); }

Task<void> statement_timeout(Database& database) {
  auto params = Params::of(10.0);
  const auto late = co_await database.query(kSleep, std::move(params));
  EXPECT_FALSE(late);
  if (!late) {
    EXPECT_EQ(late.error().code, Code::kTimeout);
  }
  if (!late) {
    EXPECT_EQ(sqlstate_of(late.error()), "57014");
  }
}

TEST(Database, TheServerEndsAStatementThatRunsTooLong) {
  auto options = superuser(1);
  options.statement_timeout = 50ms;
  run(std::move(options), statement_timeout);
}

// --- losing the server ---

Task<void> crash(Database& database) {
  const auto executor = co_await asio::this_coro::executor;
  const auto warm = co_await database.query(kTenant);
  EXPECT_TRUE(warm);
  TaskGroup group(executor);
  std::vector<Result<Rows>> pending(20);
  for (auto& out : pending) group.spawn("pending", timed_query(database, 5, 20s, out));
  co_await sleep_for(50ms);
  Postgres::shared().kill();
  co_await group.join();
  for (const auto& out : pending) {
    EXPECT_FALSE(out);
    if (!out) {
      EXPECT_EQ(out.error().code, Code::kUnavailable);
    }
  }
  const auto down = co_await database.query(kTenant);
  EXPECT_FALSE(down);
  if (!down) {
    EXPECT_EQ(down.error().code, Code::kUnavailable);
  }
  EXPECT_FALSE(database.connected());
  Postgres::shared().start();
  bool back = false;
  for (int i = 0; i < 20 && !back; ++i) {
    const auto rows = co_await database.query(kTenant);
    back = rows.has_value();
  }
  EXPECT_TRUE(back);
}

TEST(Database, FailsWhatIsPendingOnACrashAndComesBackByItself) { run(superuser(), crash); }

Task<void> terminated(Database& database) {
  const auto backend = co_await database.query(kBackend);
  Postgres::shared().run("select pg_terminate_backend(" + std::string(backend->front().text(0)) +
                         ")");
  // A query may still go out on the dying connection; it must say so and not succeed or hang.
  Result<Rows> rows = fail(Code::kInternal, "not asked");
  for (int i = 0; i < 20 && !rows; ++i) {
    rows = co_await database.query(kBackend);
    if (!rows) {
      EXPECT_EQ(rows.error().code, Code::kUnavailable) << rows.error().message;
    }
  }
  EXPECT_TRUE(rows);
  if (rows) {
    EXPECT_NE(rows->front().int64(0), backend->front().int64(0));
  }
}

TEST(Database, AnIdleConnectionThatTheServerEndsIsReplaced) { run(superuser(1), terminated); }

TEST(Database, WithoutAServerAQueryIsUnavailable) {
  run({.conninfo = "host=/nonexistent user=nobody"}, [](Database& database) -> Task<void> {
    const auto rows = co_await database.query(kTenant);
    EXPECT_FALSE(rows);
    if (!rows) {
      EXPECT_EQ(rows.error().code, Code::kUnavailable);
    }
  });
}

Task<void> close_under_load(asio::io_context& io) {
  Database database(io.get_executor(), superuser());
  const auto warm = co_await database.query(kTenant);
  EXPECT_TRUE(warm);
  TaskGroup group(io.get_executor());
  std::vector<Result<Rows>> pending(20);
  for (auto& out : pending) group.spawn("pending", timed_query(database, 5, 20s, out));
  co_await sleep_for(10ms);
  co_await database.close();
  co_await group.join();
  for (const auto& out : pending) EXPECT_FALSE(out);
}

TEST(Database, CloseAnswersWhatIsPending) {
  asio::io_context io;
  run_to_end(io, close_under_load(io));
}

Task<void> wait_for_ever(Database& database) {
  auto transaction = co_await database.begin();
  auto params = Params::of(100.0);
  const auto rows = co_await transaction->query(kSleep, std::move(params), 100s);
  ADD_FAILURE() << "must not be resumed";
}

TEST(Database, AnAbandonedContextLeaksNothing) {
  asio::io_context io;
  Database database(io.get_executor(), superuser());
  TaskGroup group(io.get_executor());
  Result<Rows> out;
  group.spawn("pending", timed_query(database, 100, 100s, out));
  group.spawn("transaction", wait_for_ever(database));
  io.run_for(200ms);  // and the address sanitizer looks at the rest
}

}  // namespace
}  // namespace deployclaw::db
