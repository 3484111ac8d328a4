#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "db/testing/postgres.hpp"
#include "domain/default_limits.hpp"
#include "egress/approval_keeper.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"

// From the worker's question to the answer, over the real functions in PostgreSQL.
namespace deployclaw::egress {
namespace {

using db::testing::Postgres;
using net::testing::run_task;
using net::testing::run_until;

class ApprovalKeeperTest : public ::testing::Test {
 protected:
  ApprovalKeeperTest() {
    Postgres::shared().reset();
    db = std::make_unique<db::Database>(
        io.get_executor(),
        db::Options{.conninfo = Postgres::shared().conninfo("deployclaw_egress")});
    make(std::chrono::seconds(600));
    sql("insert into clients (id, name, email, vault_salt) values ('" + client.to_string() +
        "', 'n', 'n@example.com', decode(repeat('01', 32), 'hex'));"
        "insert into agents (id, client_id, name, runtime, runtime_version, permissions, host) "
        "values ('" +
        agent.to_string() + "', '" + client.to_string() +
        "', 'a', 'openclaw', '1', '{\"scopes\":[]}', 'host-1')");
  }
  ~ApprovalKeeperTest() override {
    run_task(io, keeper->stop());
    run_task(io, db->close());
  }

  void make(std::chrono::seconds lifetime) {
    if (keeper) run_task(io, keeper->stop());
    keeper = std::make_unique<ApprovalKeeper>(
        io.get_executor(), *db, lifetime,
        [this](AgentId, std::uint8_t scope) { return look(scope); },
        [this](const ApprovalKeeper::Asker& to, const ApprovalAnswerMessage& answer) {
          told.emplace_back(to, answer);
        });
  }
  Task<std::optional<LimitRefusal>> look(std::uint8_t scope) {
    EXPECT_EQ(scope, domain::scope_index("email:send"));
    co_return limit;
  }
  static std::string sql(const std::string& text) { return Postgres::shared().run(text); }

  // Asks as a worker does, and gives the next answer to that hold.
  ApprovalAnswerMessage ask(std::uint64_t hold, unsigned char digest = 1,
                            std::string text = "{\"a\": 1}") {
    return ask_as(one, hold, digest, std::move(text));
  }
  ApprovalAnswerMessage ask_as(const ApprovalKeeper::Asker& who, std::uint64_t hold,
                               unsigned char digest, std::string text = "{\"a\": 1}") {
    keeper->take_text(who, {.hold = hold, .bytes = text.substr(0, 3)});
    if (text.size() > 3) keeper->take_text(who, {.hold = hold, .bytes = text.substr(3)});
    ApprovalMessage question{
        .agent = agent, .hold = hold, .scope = "email:send", .target = "ada@example.com"};
    question.digest.fill(digest);
    const auto before = told.size();
    keeper->ask(who, std::move(question));
    return next(hold, before);
  }
  ApprovalAnswerMessage next(std::uint64_t hold, std::size_t from) {
    std::optional<ApprovalAnswerMessage> found;
    EXPECT_TRUE(run_until(io, [&] {
      for (std::size_t i = from; i < told.size(); ++i) {
        if (told[i].second.hold == hold && !found) found = told[i].second;
      }
      return found.has_value();
    }));
    return found.value_or(ApprovalAnswerMessage{});
  }
  // A person's, as the api does it, and what is told of it.
  void decide(const ApprovalId& id, const std::string& state) {
    decide_unheard(id, state);
    keeper->on_notification("{\"id\": \"" + id.to_string() + "\", \"agentId\": \"" +
                            agent.to_string() + "\", \"state\": \"" + state + "\"}");
  }
  void decide_unheard(const ApprovalId& id, const std::string& state) const {
    sql("set session authorization deployclaw_api; set deployclaw.client_id = '" +
        client.to_string() + "'; update approvals set state = '" + state +
        "', decided_at = now(), decided_by = gen_random_uuid() where id = '" + id.to_string() +
        "'; reset deployclaw.client_id; reset session authorization");
  }
  // Past the guard of the table, as time would.
  static void make_over() {
    sql("set session_replication_role = replica;"
        "update approvals set expires_at = now();"
        "reset session_replication_role");
  }
  std::string state_of(const ApprovalId& id) {
    return sql("select state from approvals where id = '" + id.to_string() + "'");
  }
  std::string actions() {
    return sql(
        "select string_agg(action_type || ':' || actor_type, ' ' order by seq) from "
        "audit_logs");
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  const ApprovalKeeper::Asker one{.client = client, .worker = 1};
  const ApprovalKeeper::Asker two{.client = client, .worker = 2};
  std::optional<LimitRefusal> limit;  // that is reached
  boost::asio::io_context io;
  std::unique_ptr<db::Database> db;
  std::unique_ptr<ApprovalKeeper> keeper;
  std::vector<std::pair<ApprovalKeeper::Asker, ApprovalAnswerMessage>> told;
};

TEST_F(ApprovalKeeperTest, AGrantIsUsedOnceAndDurablyBeforeTheWorkerHears) {
  const auto pending = ask(1);
  ASSERT_EQ(pending.verdict, ApprovalVerdict::kPending);
  EXPECT_EQ(sql("select request ->> 'a' from approvals"), "1");
  const auto before = told.size();
  decide(pending.id, "granted");
  EXPECT_EQ(next(1, before).verdict, ApprovalVerdict::kUsed);
  EXPECT_EQ(state_of(pending.id), "used");
  EXPECT_EQ(actions(), "approval_requested:agent approval_used:agent");
  // The same request again needs another yes.
  const auto again = ask(2);
  EXPECT_EQ(again.verdict, ApprovalVerdict::kPending);
  EXPECT_NE(again.id, pending.id);
}

TEST_F(ApprovalKeeperTest, OfTwoThatHoldTheSameRequestOneGetsTheGrant) {
  const auto first = ask(1);
  const auto second = ask_as(two, 9, 1);
  EXPECT_EQ(second.id, first.id) << "the same request that waits is one row";
  const auto before = told.size();
  decide(first.id, "granted");
  const auto a = next(1, before).verdict;
  const auto b = next(9, before).verdict;
  EXPECT_TRUE((a == ApprovalVerdict::kUsed && b == ApprovalVerdict::kGone) ||
              (b == ApprovalVerdict::kUsed && a == ApprovalVerdict::kGone));
  EXPECT_EQ(keeper->used(), 1U);
}

TEST_F(ApprovalKeeperTest, AGrantWaitsForWhoeverAsksForExactlyThat) {
  const auto pending = ask(1);
  keeper->drop(one, 1);
  decide(pending.id, "granted");
  EXPECT_EQ(ask(2, 7).verdict, ApprovalVerdict::kPending) << "another request";
  EXPECT_EQ(ask(3).verdict, ApprovalVerdict::kUsed);
  EXPECT_EQ(ask(4).verdict, ApprovalVerdict::kPending);
}

TEST_F(ApprovalKeeperTest, OfManyThatAskAtOnceOneGetsTheGrant) {
  const auto pending = ask(1);
  keeper->drop(one, 1);
  decide(pending.id, "granted");
  const auto before = told.size();
  constexpr std::uint64_t kMany = 30;
  for (std::uint64_t hold = 100; hold < 100 + kMany; ++hold) {
    keeper->take_text(one, {.hold = hold, .bytes = "{}"});
    ApprovalMessage question{
        .agent = agent, .hold = hold, .scope = "email:send", .target = "ada@example.com"};
    question.digest.fill(1);
    keeper->ask(one, std::move(question));
  }
  ASSERT_TRUE(run_until(io, [&] { return told.size() == before + kMany; }));
  EXPECT_EQ(std::ranges::count_if(
                told, [](const auto& t) { return t.second.verdict == ApprovalVerdict::kUsed; }),
            1);
  EXPECT_EQ(sql("select count(*) from approvals where state = 'pending'"), "1");
}

TEST_F(ApprovalKeeperTest, ADenialLastsUntilItExpires) {
  const auto pending = ask(1);
  const auto before = told.size();
  decide(pending.id, "denied");
  EXPECT_EQ(next(1, before).verdict, ApprovalVerdict::kDenied);
  EXPECT_EQ(ask(2).verdict, ApprovalVerdict::kDenied);
  make_over();
  EXPECT_EQ(ask(3).verdict, ApprovalVerdict::kPending);
}

TEST_F(ApprovalKeeperTest, WhatExpiresIsToldAndNoGrantOutlivesIt) {
  const auto pending = ask(1);
  make_over();
  const auto before = told.size();
  keeper->on_notification("{\"id\": \"" + pending.id.to_string() + "\", \"state\": \"x\"}");
  EXPECT_EQ(next(1, before).verdict, ApprovalVerdict::kExpired);
  EXPECT_EQ(actions(), "approval_requested:agent approval_expired:system");
  const auto second = ask(2);
  keeper->drop(one, 2);
  decide(second.id, "granted");
  make_over();
  EXPECT_EQ(ask(3).verdict, ApprovalVerdict::kPending);
  EXPECT_EQ(state_of(second.id), "expired");
}

constexpr LimitRefusal kReached{.kind = LimitRefusal::Kind::kRate,
                                .scope = 1,
                                .window = domain::Window::kHour,
                                .max = 3,
                                .retry_after_seconds = 60};

TEST_F(ApprovalKeeperTest, WhereALimitIsReachedNobodyIsAsked) {
  limit = kReached;
  const auto refused = ask(1);
  EXPECT_EQ(refused.verdict, ApprovalVerdict::kLimited);
  EXPECT_EQ(refused.limit, kReached);
  EXPECT_EQ(keeper->holding(), 0U);
  EXPECT_EQ(sql("select count(*) from approvals"), "0");
  EXPECT_EQ(actions(), "");
  limit.reset();
  EXPECT_EQ(ask(2).verdict, ApprovalVerdict::kPending);
}

TEST_F(ApprovalKeeperTest, AGrantThatMeetsALimitIsNotUsed) {
  const auto pending = ask(1);
  limit = kReached;
  const auto before = told.size();
  decide(pending.id, "granted");
  const auto refused = next(1, before);
  EXPECT_EQ(refused.verdict, ApprovalVerdict::kLimited);
  EXPECT_EQ(refused.limit, kReached);
  EXPECT_EQ(ask(2).verdict, ApprovalVerdict::kLimited) << "nor by who asks again";
  EXPECT_EQ(state_of(pending.id), "granted");
  limit.reset();
  const auto used = ask(3);
  EXPECT_EQ(used.verdict, ApprovalVerdict::kUsed);
  EXPECT_EQ(used.id, pending.id);
  EXPECT_EQ(keeper->used(), 1U);
}

TEST_F(ApprovalKeeperTest, ADenialIsToldWhateverLimitIsReached) {
  const auto pending = ask(1);
  limit = kReached;
  const auto before = told.size();
  decide(pending.id, "denied");
  EXPECT_EQ(next(1, before).verdict, ApprovalVerdict::kDenied);
}

TEST_F(ApprovalKeeperTest, AGrantThatIsGivenBackIsGoodForExactlyTheSameOnce) {
  const auto pending = ask(1);
  const auto before = told.size();
  decide(pending.id, "granted");
  ASSERT_EQ(next(1, before).verdict, ApprovalVerdict::kUsed);
  keeper->keep_back(one, 99);
  keeper->keep_back(two, 1);
  EXPECT_EQ(ask(2).verdict, ApprovalVerdict::kPending) << "nobody gave it back but who had it";
  keeper->drop(one, 2);
  keeper->keep_back(one, 1);
  keeper->keep_back(one, 1);
  EXPECT_EQ(ask(3, 7).verdict, ApprovalVerdict::kPending) << "another request";
  const auto again = ask_as(two, 4, 1);
  EXPECT_EQ(again.verdict, ApprovalVerdict::kUsed);
  EXPECT_EQ(again.id, pending.id);
  EXPECT_EQ(ask(5).verdict, ApprovalVerdict::kPending) << "it was given back once";
  keeper->keep_back(two, 4);
  EXPECT_EQ(ask(6).verdict, ApprovalVerdict::kUsed) << "as often as nothing is sent";
}

constexpr db::Statement kHoldUp{
    "test_hold_up", "SELECT pg_advisory_xact_lock(hashtextextended('approval:' || $1::text, 0))"};

// Whatever that agent asks waits as long as `held` lives.
Task<void> hold_up(db::Database* db, std::string agent, std::optional<db::Transaction>* held) {
  auto begun = co_await db->begin();
  if (!begun) co_return;
  auto params = db::Params::of(agent);
  const auto locked = co_await begun->query(kHoldUp, std::move(params));
  if (locked) held->emplace(std::move(*begun));
}

TEST_F(ApprovalKeeperTest, AGrantThatComesTooLateForItsRequestIsKept) {
  const auto pending = ask(1);
  decide_unheard(pending.id, "granted");
  // What is asked next waits in the database, and its worker lets go meanwhile.
  std::optional<db::Transaction> held;
  run_task(io, hold_up(db.get(), agent.to_string(), &held));
  ASSERT_TRUE(held);
  keeper->take_text(one, {.hold = 2, .bytes = "{}"});
  ApprovalMessage question{
      .agent = agent, .hold = 2, .scope = "email:send", .target = "ada@example.com"};
  question.digest.fill(1);
  keeper->ask(one, std::move(question));
  ASSERT_TRUE(run_until(io, [] {
    return sql("select count(*) from pg_locks where locktype = 'advisory' and not granted") == "1";
  }));
  const auto before = told.size();
  keeper->drop(one, 2);
  run_task(io, held->rollback());
  ASSERT_TRUE(run_until(io, [&] { return keeper->used() == 1; }));
  EXPECT_EQ(told.size(), before);
  EXPECT_EQ(state_of(pending.id), "used");
  const auto used = ask(3);
  EXPECT_EQ(used.verdict, ApprovalVerdict::kUsed);
  EXPECT_EQ(used.id, pending.id);
}

TEST_F(ApprovalKeeperTest, AnAgentHasSoManyThatWait) {
  for (unsigned char i = 0; i < store::kMostPendingApprovals; ++i) {
    EXPECT_EQ(ask(i + 1U, i).verdict, ApprovalVerdict::kPending);
  }
  EXPECT_EQ(ask(100, 200).verdict, ApprovalVerdict::kFull);
  EXPECT_EQ(ask(101, 0).verdict, ApprovalVerdict::kPending) << "joins the row that is there";
}

TEST_F(ApprovalKeeperTest, AnotherClientsAgentAndATextThatIsNoneAreRefused) {
  const ApprovalKeeper::Asker stranger{.client = ClientId::random(), .worker = 3};
  EXPECT_EQ(ask_as(stranger, 1, 1).verdict, ApprovalVerdict::kUnavailable);
  for (const std::string text : {"{\"a\":", "\xff\xfe\xfd\xfc", "\"\\u0000\"", ""}) {
    EXPECT_EQ(ask(1, 1, text).verdict, ApprovalVerdict::kUnavailable) << text;
  }
  EXPECT_EQ(sql("select count(*) from approvals"), "0");
}

TEST_F(ApprovalKeeperTest, AWorkerThatEndsLetsGoAndTheRowStays) {
  const auto pending = ask(1);
  keeper->worker_gone(one);
  EXPECT_EQ(keeper->holding(), 0U);
  decide(pending.id, "granted");
  EXPECT_EQ(state_of(pending.id), "granted");
  EXPECT_EQ(ask_as(two, 1, 1).verdict, ApprovalVerdict::kUsed);
}

TEST_F(ApprovalKeeperTest, WithoutTheDatabaseNothingIsGranted) {
  EXPECT_EQ(ask(1).verdict, ApprovalVerdict::kPending);
  Postgres::shared().kill();
  EXPECT_EQ(ask(2, 2).verdict, ApprovalVerdict::kUnavailable);
  Postgres::shared().start();
  EXPECT_TRUE(run_until(io, [&] { return db->connected(); }));
}

// Whatever the api or egress is talked into, a yes is a person's and is used once.
TEST_F(ApprovalKeeperTest, StatesGoForwardOnly) {
  const auto id = ask(1).id.to_string();
  const auto tried = [&](const std::string& role, const std::string& text) {
    return sql(
        "create or replace function pg_temp.tried() returns text language plpgsql as $$ begin "
        "set local deployclaw.client_id = '" +
        client.to_string() + "'; execute 'set local role " + role + "'; execute $q$" + text +
        "$q$; return 'done'; exception when "
        "insufficient_privilege then return 'refused'; end $$; select pg_temp.tried()");
  };
  const auto set = [&](const std::string& state) {
    return "update approvals set state = '" + state +
           "', decided_by = gen_random_uuid() where id = '" + id + "'";
  };
  EXPECT_EQ(tried("deployclaw_egress", set("granted")), "refused");
  EXPECT_EQ(tried("deployclaw_egress", "select * from approvals"), "refused");
  EXPECT_EQ(tried("deployclaw_api", set("used")), "refused");
  EXPECT_EQ(tried("deployclaw_api", set("expired")), "refused");
  EXPECT_EQ(tried("deployclaw_api", "update approvals set state = 'granted'"), "refused")
      << "by nobody";
  EXPECT_EQ(tried("deployclaw_api", "select approval.tidy()"), "refused");
  EXPECT_EQ(tried("deployclaw_orchestrator", "select * from approvals"), "refused");
  EXPECT_EQ(tried("deployclaw_api", set("denied")), "done");
  EXPECT_EQ(tried("deployclaw_api", set("granted")), "refused") << "after a no";
}

}  // namespace
}  // namespace deployclaw::egress
