#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "db/testing/postgres.hpp"
#include "net/testing/run_task.hpp"
#include "store/credential_tests.hpp"
#include "store/egress.hpp"

// Tests of credentials between the api and egress, over the real functions in PostgreSQL.
namespace deployclaw::egress {
namespace {

using db::testing::Postgres;
using domain::TestReason;
using net::testing::run_task;

class CredentialTestsTest : public ::testing::Test {
 protected:
  CredentialTestsTest() {
    Postgres::shared().reset();
    db = open("deployclaw_egress");
    api = open("deployclaw_api");
    add(client, agent, "host-1");
    add(other_client, other_agent, "host-1");
  }
  ~CredentialTestsTest() override {
    run_task(io, db->close());
    run_task(io, api->close());
  }
  std::unique_ptr<db::Database> open(const char* role) {
    return std::make_unique<db::Database>(
        io.get_executor(), db::Options{.conninfo = Postgres::shared().conninfo(role)});
  }
  static std::string sql(const std::string& text) { return Postgres::shared().run(text); }
  static void add(ClientId owner, AgentId one, const std::string& host) {
    sql("insert into clients (id, name, email, vault_salt) values ('" + owner.to_string() +
        "', 'n', '" + owner.to_string() +
        "@example.com', decode(repeat('01', 32), 'hex'));"
        "insert into agents (id, client_id, name, runtime, runtime_version, permissions, host) "
        "values ('" +
        one.to_string() + "', '" + owner.to_string() +
        "', 'a', 'openclaw', '1', '{\"scopes\":[]}', '" + host + "')");
  }
  CredentialTestId ask(ClientId owner, AgentId one, std::string name = "key") {
    return run_task(io, ask_later(owner, one, std::move(name)));
  }
  Task<CredentialTestId> ask_later(ClientId owner, AgentId one, std::string name) {
    auto tx = co_await api->begin(owner);
    auto id = co_await store::insert_test(*tx, owner, one, std::move(name), user);
    const auto committed = co_await tx->commit();
    EXPECT_TRUE(committed);
    co_return id.value();
  }
  store::RecentTests recent(ClientId owner, std::string name = "key") {
    return run_task(io, recent_later(owner, std::move(name)));
  }
  Task<store::RecentTests> recent_later(ClientId owner, std::string name) {
    auto tx = co_await api->begin(owner);
    auto found = co_await store::lock_recent_tests(*tx, owner, agent, std::move(name));
    co_return found.value();
  }
  std::vector<store::ClaimedTest> claim(std::string host = "host-1") {
    return run_task(io, store::claim_tests(*db, std::move(host))).value();
  }
  bool answer(CredentialTestId id, ClientId owner, TestReason reason, int status) {
    return run_task(io, store::answer_test(*db, id, owner, reason, status)).value();
  }
  std::optional<store::TestAnswer> found(CredentialTestId id, ClientId owner) {
    return run_task(io, store::find_test_answer(*api, owner, id)).value();
  }
  static void age(const std::string& by) {
    sql("update credential_tests set created_at = created_at - interval '" + by + "'");
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  const ClientId other_client = ClientId::random();
  const AgentId other_agent = AgentId::random();
  const UserId user = UserId::random();
  boost::asio::io_context io;
  std::unique_ptr<db::Database> db;
  std::unique_ptr<db::Database> api;
};

TEST_F(CredentialTestsTest, OneIsClaimedOnceByItsHostAndAnsweredOnce) {
  const auto id = ask(client, agent);
  EXPECT_FALSE(found(id, client));
  EXPECT_FALSE(answer(id, client, TestReason::kAccepted, 200)) << "nobody has claimed it";
  EXPECT_TRUE(claim("host-2").empty());
  const auto claimed = claim();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].id, id);
  EXPECT_EQ(claimed[0].client, client);
  EXPECT_EQ(claimed[0].agent, agent);
  EXPECT_EQ(claimed[0].credential, "key");
  EXPECT_TRUE(claim().empty());
  EXPECT_TRUE(answer(id, client, TestReason::kRejected, 401));
  EXPECT_FALSE(answer(id, client, TestReason::kAccepted, 200)) << "the first answer stays";
  const auto told = found(id, client);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->reason, TestReason::kRejected);
  EXPECT_EQ(told->status, 401);
}

TEST_F(CredentialTestsTest, AWorkerAnswersForItsOwnClientOnlyAndAClientReadsItsOwn) {
  const auto id = ask(client, agent);
  claim();
  EXPECT_FALSE(answer(id, other_client, TestReason::kAccepted, 200));
  EXPECT_TRUE(answer(id, client, TestReason::kUpstreamTimeout, 0));
  EXPECT_FALSE(found(id, other_client));
  EXPECT_FALSE(found(id, client)->status);
}

TEST_F(CredentialTestsTest, OneThatWasNotAnsweredInTimeIsToldAsThatAndNotBegun) {
  const auto id = ask(client, agent);
  age("31 seconds");
  EXPECT_TRUE(claim().empty()) << "who asked is about to go";
  ASSERT_TRUE(found(id, client));
  EXPECT_EQ(found(id, client)->reason, TestReason::kEgressSilent);
  const auto slow = ask(client, agent);
  claim();
  age("31 seconds");
  EXPECT_FALSE(answer(slow, client, TestReason::kAccepted, 200));
  EXPECT_EQ(found(slow, client)->reason, TestReason::kEgressSilent);
}

TEST_F(CredentialTestsTest, AnAgentThatGetsAHostLaterIsServedThen) {
  sql("update agents set host = null where id = '" + agent.to_string() + "'");
  ask(client, agent);
  EXPECT_TRUE(claim().empty());
  sql("update agents set host = 'host-1' where id = '" + agent.to_string() + "'");
  EXPECT_EQ(claim().size(), 1U);
}

TEST_F(CredentialTestsTest, AreCountedByClientForAMinuteAndDroppedAfterAWeek) {
  ask(client, agent);
  ask(client, agent, "second");
  ask(other_client, other_agent);
  EXPECT_EQ(recent(client).in_last_minute, 2);
  EXPECT_TRUE(recent(client).same_runs);
  EXPECT_FALSE(recent(client, "third").same_runs);
  age("40 seconds");
  EXPECT_EQ(recent(client).in_last_minute, 2);
  EXPECT_FALSE(recent(client).same_runs) << "it will not be answered any more";
  EXPECT_LE(recent(client).retry_after_seconds, 20);
  EXPECT_GE(recent(client).retry_after_seconds, 1);
  age("30 seconds");
  EXPECT_EQ(recent(client).in_last_minute, 0);
  claim();
  EXPECT_EQ(sql("select count(*) from credential_tests"), "3");
  age("7 days");
  claim();
  EXPECT_EQ(sql("select count(*) from credential_tests"), "0");
}

TEST_F(CredentialTestsTest, TheLogNamesWhoAskedAndNotTheAgent) {
  const auto id = ask(client, agent);
  claim();
  const auto event = [&](ClientId owner, AgentId one, const std::string& test,
                         const std::string& action) {
    return store::SpooledEvent{
        .client = owner,
        .agent = one,
        .intent = R"({"actionType":")" + action + R"(","metadata":{"testId":")" + test + "\"}}",
        .outcome = R"({"outcome":"success"})"};
  };
  const auto test = id.to_string();
  std::vector<store::SpooledEvent> events;
  events.push_back(event(client, agent, test, "credential_tested"));
  events.push_back(event(client, agent, test, "api_call"));
  events.push_back(event(client, agent, "no uuid", "credential_tested"));
  events.push_back(
      event(client, agent, CredentialTestId::random().to_string(), "credential_tested"));
  events.push_back(event(other_client, other_agent, test, "credential_tested"));
  const auto size = events.size();
  const auto at = run_task(io, store::append_spooled(*db, "host-1", 0, 10, std::move(events)));
  EXPECT_EQ(at.value(), 10U);
  EXPECT_EQ(sql("select count(*) from audit_logs"), std::to_string(size));
  EXPECT_EQ(sql("select string_agg(actor_type, ' ' order by seq) from audit_logs where client_id "
                "= '" +
                client.to_string() + "'"),
            "user agent agent agent");
  EXPECT_EQ(sql("select actor_id || ' ' || agent_id from audit_logs where actor_type = 'user'"),
            user.to_string() + " " + agent.to_string());
  EXPECT_EQ(
      sql("select actor_type from audit_logs where client_id = '" + other_client.to_string() + "'"),
      "agent");
}

}  // namespace
}  // namespace deployclaw::egress
