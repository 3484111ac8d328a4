#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <random>

#include "db/testing/postgres.hpp"
#include "egress/audit_drain.hpp"
#include "egress/host_lock.hpp"
#include "egress/testing/audit_socket.hpp"
#include "egress/uses_loader.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"
#include "store/egress_uses.hpp"
#include "vault/testing/temporary_directory.hpp"

// What was used survives whatever ends, in PostgreSQL or in the spool, and is counted once.
namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using db::testing::Postgres;
using net::testing::run_task;
using net::testing::run_until;
using testing::AuditSocket;

constexpr std::uint8_t kMail = 1;  // email:send
constexpr domain::MicroDollars kCap = 10'000'000;

class LedgerDatabase : public ::testing::Test {
 protected:
  LedgerDatabase() {
    Postgres::shared().reset();
    db = std::make_unique<db::Database>(io.get_executor(), options());
    limits.windows.fill({.per_hour = 1'000, .per_day = 1'000});
    open();
  }
  ~LedgerDatabase() override {
    socket.reset();
    run_task(io, db->close());
  }
  static db::Options options() {
    return {.conninfo = Postgres::shared().conninfo("deployclaw_egress")};
  }
  static std::int64_t sql(const std::string& text) {
    return std::stoll(Postgres::shared().run(text));
  }
  static std::int64_t uses() {
    return sql("SELECT coalesce(sum(cardinality(at)), 0) FROM scope_uses");
  }
  static std::int64_t settled() { return sql("SELECT coalesce(sum(settled), 0) FROM model_spend"); }
  static std::int64_t reserved() {
    return sql("SELECT coalesce(sum(amount), 0) FROM model_reservations");
  }

  // As after a start of the supervisor.
  void open() {
    socket.reset();
    drain.reset();
    uses_loader.reset();
    intake.reset();
    auto spool = Spool::open(directory.path(), 16UL << 20, 16UL << 10);
    intake = std::make_unique<AuditIntake>(
        std::move(spool.value()), io.get_executor(), [] {}, [this] { return now.load(); });
    drain = std::make_unique<AuditDrain>(io.get_executor(), *db, *intake, "host-1");
    uses_loader = std::make_unique<UsesLoader>(*db, *intake, clock);
    intake->add_agents(client, {agent});
    intake->set_limits({{agent, limits}});
    socket = std::make_unique<AuditSocket>(io, agent);
    intake->add_worker(socket->other_end(), client);
  }
  Status load() {
    const auto name = "host-1/" + intake->spool().name();
    const auto position = run_task(io, store::spool_position(*db, name));
    if (!position) return fail(position.error());
    uses_loader->want({agent});
    return run_task(io, uses_loader->load(*position));
  }
  void drain_all() {
    const auto drained = run_task(io, drain->drain());
    ASSERT_TRUE(drained) << drained.error().message;
  }

  IntentAnswer answer_to(std::uint64_t id) {
    while (true) {
      for (const auto& answer : socket->answer().answers) {
        if (answer.id == id) return answer;
      }
    }
  }
  IntentAnswer ask(std::uint64_t id, const Charge& charge) {
    socket->ask(id, charge);
    return answer_to(id);
  }
  void finish(std::uint64_t id, domain::MicroDollars spent) {
    const auto before = intake->spool().durable_end();
    socket->tell({.kind = RecordKind::kOutcome,
                  .agent = agent,
                  .id = id,
                  .json = R"({"outcome":"success"})",
                  .amount = spent});
    run_until(io, [&] { return intake->spool().durable_end() > before; });
  }
  // How much of the scope is left, by trying.
  std::uint32_t admitted(std::uint32_t tries) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < tries; ++i) {
      if (!ask(next_id++, {.scope = kMail}).limit) ++count;
    }
    return count;
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  asio::io_context io;
  vault::TemporaryDirectory directory;
  SystemClock clock;
  std::atomic<domain::Millis> now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch()).count();
  std::uint64_t next_id = 1;
  domain::AgentLimits limits{.windows = {}, .daily_spend = kCap};
  std::unique_ptr<db::Database> db;
  std::unique_ptr<AuditIntake> intake;
  std::unique_ptr<AuditDrain> drain;
  std::unique_ptr<UsesLoader> uses_loader;
  std::unique_ptr<AuditSocket> socket;
};

TEST_F(LedgerDatabase, ARestartKeepsWhatWasUsedWhetherTheDatabaseHasItOrNot) {
  limits.windows[kMail] = {.per_hour = 5, .per_day = 100};
  open();
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(3), 3U);
  drain_all();
  EXPECT_EQ(uses(), 3);
  EXPECT_EQ(admitted(1), 1U);  // in the spool only
  open();
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(4), 1U) << "five in all";
  drain_all();
  EXPECT_EQ(uses(), 5);
  open();
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(2), 0U);
  now += domain::kHour;
  EXPECT_EQ(admitted(9), 5U);
}

// An agent that asks thousands of times in a minute must not have all of them written anew each
// time.
TEST_F(LedgerDatabase, UsesOfABusyMinuteLieInPartsAndAreAllReadAgain) {
  limits.windows[kMail] = {.per_hour = 552, .per_day = 1'000};
  open();
  ASSERT_TRUE(load());
  for (const std::uint32_t more : {300U, 150U, 100U}) {
    EXPECT_EQ(admitted(more), more);
    drain_all();
  }
  // A stretch of this spool holds a hundred or so.
  EXPECT_EQ(sql("SELECT count(*) FROM scope_uses"), 2);
  EXPECT_GE(sql("SELECT cardinality(at) FROM scope_uses WHERE part = 0"), 400);
  EXPECT_EQ(uses(), 550);
  open();
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(5), 2U);
}

TEST_F(LedgerDatabase, TheDatabaseBeingAwayNeitherResetsNorDoubles) {
  limits.windows[kMail] = {.per_hour = 5, .per_day = 100};
  open();
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(2), 2U);
  drain_all();
  Postgres::shared().run(
      "REVOKE EXECUTE ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], "
      "text[], "
      "text[], jsonb) FROM deployclaw_egress");
  EXPECT_EQ(admitted(1), 1U) << "it goes on with what it knows";
  EXPECT_FALSE(run_task(io, drain->drain()));
  EXPECT_FALSE(run_task(io, drain->drain()));
  Postgres::shared().run(
      "GRANT EXECUTE ON FUNCTION audit.append_egress(text, bigint, bigint, uuid[], uuid[], text[], "
      "text[], jsonb) TO deployclaw_egress");
  drain_all();
  EXPECT_EQ(uses(), 3);
  EXPECT_EQ(admitted(5), 2U);
}

TEST_F(LedgerDatabase, MoneyIsSettledOnceAcrossDrainsAndRestarts) {
  ASSERT_TRUE(load());
  const Charge model{.least = 1'000'000, .wanted = 4'000'000};
  EXPECT_EQ(ask(1, model).grant.micro_dollars, 4'000'000U);
  drain_all();
  EXPECT_EQ(reserved(), 4'000'000);
  socket->tell(
      {.kind = RecordKind::kLower, .agent = agent, .id = 1, .json = {}, .amount = 2'500'000});
  ASSERT_TRUE(run_until(io, [&] { return intake->records() == 2; }));
  EXPECT_EQ(ask(2, model).grant.micro_dollars, 3'750'000U) << "half of the other 7.5";
  finish(2, 1'000'000);
  drain_all();
  EXPECT_EQ(reserved(), 2'500'000) << "lowered";
  EXPECT_EQ(settled(), 1'000'000);
  finish(1, 2'000'000);
  open();
  ASSERT_TRUE(load());
  // 3 of 10 are spent; the outcome of the first was in the spool only.
  EXPECT_EQ(ask(3, {.least = 1, .wanted = kCap}).grant.micro_dollars, 3'500'000U);
  drain_all();
  EXPECT_EQ(settled(), 3'000'000);
  EXPECT_EQ(reserved(), 3'500'000);
}

TEST_F(LedgerDatabase, ACallOfAKilledEgressHasSpentAllThatWasReserved) {
  for (const bool drained : {false, true}) {
    ASSERT_TRUE(load());
    const auto before = settled();
    EXPECT_EQ(ask(next_id, {.least = 2'000'000, .wanted = 2'000'000}).grant.micro_dollars,
              2'000'000U);
    ++next_id;
    if (drained) drain_all();
    // As the disk is at that moment; what the process writes at its end is thrown away.
    const vault::TemporaryDirectory copy;
    std::filesystem::copy(directory.path(), copy.file("spool"));
    socket.reset();
    drain.reset();
    uses_loader.reset();
    intake.reset();
    std::filesystem::remove_all(directory.path());
    std::filesystem::copy(copy.file("spool"), directory.path());
    open();
    ASSERT_TRUE(load());
    const auto left = kCap - static_cast<domain::MicroDollars>(before) - 2'000'000;
    EXPECT_TRUE(ask(next_id++, {.least = left + 1, .wanted = left + 1}).limit) << drained;
    EXPECT_TRUE(run_until(io, [&] {
      drain_all();
      return settled() == before + 2'000'000;
    })) << drained;
    EXPECT_EQ(reserved(), 0) << drained;
  }
}

// Whatever is drained and restarted when: the database ends with exactly what happened.
TEST_F(LedgerDatabase, CountsEachThingOnceWhateverIsDrainedAndRestartedWhen) {
  std::minstd_rand random(7);
  std::int64_t expected_uses = 0;
  std::int64_t expected_spend = 0;
  std::map<std::uint64_t, domain::MicroDollars> running;
  limits.daily_spend = 1'000 * kCap;
  open();
  ASSERT_TRUE(load());
  for (int i = 0; i < 250; ++i) {
    const auto what = random() % 12;
    now += random() % 3'000;
    if (what < 4) {
      const auto id = next_id++;
      if (!ask(id, {.scope = kMail}).limit) ++expected_uses;
    } else if (what < 7) {
      const auto id = next_id++;
      const auto answer = ask(id, {.least = 1, .wanted = 1'000 + (random() % 1'000)});
      ASSERT_FALSE(answer.limit);
      running[id] = answer.grant.micro_dollars;
    } else if (what < 9 && !running.empty()) {
      const auto [id, granted] = *running.begin();
      running.erase(running.begin());
      const auto spent = random() % (granted + 1);
      finish(id, spent);
      expected_spend += static_cast<std::int64_t>(spent);
    } else if (what == 10) {
      drain_all();
    } else if (what == 11) {
      for (const auto& [id, granted] : running)
        expected_spend += static_cast<std::int64_t>(granted);
      running.clear();
      open();
      ASSERT_TRUE(load());
    }
  }
  for (const auto& [id, granted] : running) expected_spend += static_cast<std::int64_t>(granted);
  open();
  drain_all();
  EXPECT_EQ(uses(), expected_uses);
  EXPECT_EQ(settled(), expected_spend);
  EXPECT_EQ(reserved(), 0);
}

TEST_F(LedgerDatabase, WhatIsOlderThanADayIsDeletedAndADeletedAgentLeavesNoUses) {
  Postgres::shared().run("INSERT INTO scope_uses VALUES ('" + client.to_string() + "', '" +
                         agent.to_string() + "', 1, 'email:send', '{1,2}')");
  ASSERT_TRUE(load());
  EXPECT_EQ(admitted(1), 1U);
  drain_all();
  EXPECT_EQ(uses(), 1);
}

TEST_F(LedgerDatabase, WhatNobodyAsksForAnyMoreIsPrunedAlsoOfAgentsThatStopped) {
  const auto ids = "'" + client.to_string() + "', '" + AgentId::random().to_string() + "', ";
  const auto minutes_ago = [&](int minutes) {
    return "insert into scope_uses values (" + ids + "extract(epoch from now())::bigint / 60 - " +
           std::to_string(minutes) + ", 'email:send', '{0}');";
  };
  const auto days_ago = [&](int days) {
    return "insert into model_spend values (" + ids + "(now() at time zone 'UTC')::date - " +
           std::to_string(days) + ", 7);";
  };
  Postgres::shared().run(minutes_ago(2 * 1440 + 5) + minutes_ago(2 * 1440 - 5) + minutes_ago(0) +
                         days_ago(93) + days_ago(91) + days_ago(0));
  const auto pruned = run_task(io, store::prune_charges(*db));
  ASSERT_TRUE(pruned) << pruned.error().message;
  EXPECT_EQ(*pruned, 2);
  EXPECT_EQ(sql("select count(*) from scope_uses"), 2);
  EXPECT_EQ(sql("select count(*) from model_spend"), 2);
  EXPECT_EQ(*run_task(io, store::prune_charges(*db)), 0);
}

TEST_F(LedgerDatabase, AnAgentThatWasForgottenIsLoadedAgainWithAllItUsed) {
  limits.windows.fill({.per_hour = 4, .per_day = 4});
  const auto forget_and_load = [&] {
    uses_loader->forget_others({});
    intake->set_limits({{agent, limits}});
    return load();
  };
  ASSERT_TRUE(forget_and_load());
  EXPECT_EQ(admitted(2), 2U);
  ASSERT_TRUE(forget_and_load()) << "from the spool";
  EXPECT_EQ(admitted(1), 1U);
  drain_all();
  ASSERT_TRUE(forget_and_load()) << "from the database";
  EXPECT_EQ(admitted(5), 1U);
}

TEST_F(LedgerDatabase, OneProcessHasAHostAndAnotherWaitsForIt) {
  db::Database other(io.get_executor(), options());
  std::vector<bool> first_told;
  std::vector<bool> second_told;
  TaskGroup tasks(io.get_executor());
  HostLock first(*db, "host-1", [&](bool held) { first_told.push_back(held); });
  tasks.spawn("first", first.run());
  ASSERT_TRUE(run_until(io, [&] { return first.held(); }));
  {
    TaskGroup others(io.get_executor());
    HostLock second(other, "host-1", [&](bool held) { second_told.push_back(held); });
    HostLock elsewhere(other, "host-2", [](bool) {});
    others.spawn("second", second.run());
    others.spawn("elsewhere", elsewhere.run());
    ASSERT_TRUE(run_until(io, [&] { return elsewhere.held(); })) << "each host has its own";
    EXPECT_FALSE(second.held());
    tasks.cancel();
    EXPECT_TRUE(run_until(io, [&] { return second.held(); })) << "its end frees it";
    others.cancel();
    run_task(io, others.join());
  }
  run_task(io, tasks.join());
  EXPECT_EQ(first_told, std::vector{true});
  EXPECT_EQ(second_told, std::vector{true});
  run_task(io, other.close());
}

}  // namespace
}  // namespace deployclaw::egress
