#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "audit/verify.hpp"
#include "db/listener.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"
#include "egress/audit_drain.hpp"
#include "egress/testing/audit_socket.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

// The spool's way into the audit log, and the policy's way out of the tables, in PostgreSQL.
namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
using db::testing::Postgres;
using net::testing::run_task;
using net::testing::run_until;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kRoomy = 1ULL << 20;

const std::string kAllRecords =
    "select " + std::string(audit::kRecordColumns) + " from audit_logs order by client_id, seq";

class AuditDrainTest : public ::testing::Test {
 protected:
  AuditDrainTest() {
    Postgres::shared().reset();
    db = std::make_unique<db::Database>(
        io.get_executor(),
        db::Options{.conninfo = Postgres::shared().conninfo("deployclaw_egress")});
    root = std::make_unique<db::Database>(
        io.get_executor(), db::Options{.conninfo = Postgres::shared().conninfo("postgres")});
    open();
  }
  ~AuditDrainTest() override {
    run_task(io, db->close());
    run_task(io, root->close());
  }

  // As after a start of the supervisor.
  void open() {
    drain.reset();
    intake.reset();
    auto spool = Spool::open(directory.path(), kRoomy);
    intake = std::make_unique<AuditIntake>(std::move(spool.value()), io.get_executor(), [] {});
    drain = std::make_unique<AuditDrain>(io.get_executor(), *db, *intake, "host-1");
  }

  // Writes events into the spool and waits until they are durable.
  void spool(const std::vector<std::string>& events) {
    const auto from = intake->spool().durable_end();
    for (const auto& json : events) intake->add_event(client, agent, json);
    ASSERT_TRUE(run_until(io, [&] {
      const auto stretch = intake->spool().read(from, kRoomy);
      return stretch && stretch->records.size() == events.size();
    }));
  }

  std::vector<audit::Record> log() {
    const db::Statement all{"drain_test_all", kAllRecords};
    const auto rows = run_task(io, root->query(all));
    if (!rows) throw std::runtime_error(rows.error().message);
    std::vector<audit::Record> out;
    for (const auto row : *rows) out.push_back(audit::record_of(row));
    EXPECT_TRUE(audit::verify(out).holds());
    return out;
  }
  std::vector<std::string> targets() {
    std::vector<std::string> out;
    for (const auto& record : log()) out.push_back(record.target.value_or(""));
    return out;
  }

  Result<std::uint64_t> append(std::uint64_t from, std::uint64_t to,
                               std::vector<store::SpooledEvent> events) {
    return run_task(io, store::append_spooled(*db, "host-1/x", from, to, std::move(events)));
  }

  static std::string event(const std::string& target) {
    return R"({"actionType":"api_call","target":")" + target + R"(","outcome":"denied"})";
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  asio::io_context io;
  vault::TemporaryDirectory directory;
  std::unique_ptr<db::Database> db;
  std::unique_ptr<db::Database> root;
  std::unique_ptr<AuditIntake> intake;
  std::unique_ptr<AuditDrain> drain;
};

TEST_F(AuditDrainTest, WritesEachRecordOnceAndMovesOn) {
  spool({event("a"), event("b")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_EQ(drain->position(), intake->spool().durable_end());
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
  const auto record = log()[0];
  EXPECT_EQ(record.client, client);
  EXPECT_EQ(record.agent, agent);
  EXPECT_EQ(record.actor_type, "agent");
  EXPECT_EQ(record.actor_id, agent.to_string());
  EXPECT_EQ(record.action_type, "api_call");
  EXPECT_EQ(record.outcome, "denied");
}

TEST_F(AuditDrainTest, GoesOnAfterARestartWithoutWritingTwice) {
  spool({event("a")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  open();
  ASSERT_TRUE(run_task(io, drain->drain()));
  spool({event("b")});
  open();
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
}

// Killed between the database's commit and the drain's hearing of it.
TEST_F(AuditDrainTest, WhatAnotherRunHasWrittenIsNotWrittenAgain) {
  spool({event("a")});
  AuditDrain late(io.get_executor(), *db, *intake, "host-1");
  ASSERT_TRUE(run_task(io, late.drain()));
  spool({event("b")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  ASSERT_EQ(late.position().value() < drain->position().value(), true);
  ASSERT_TRUE(run_task(io, late.drain())) << "its idea of the position is old";
  EXPECT_EQ(late.position(), drain->position());
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
}

TEST_F(AuditDrainTest, WaitsWhileTheDatabaseIsAwayAndLosesNothing) {
  spool({event("a")});
  Postgres::shared().kill();
  EXPECT_FALSE(run_task(io, drain->drain()));
  spool({event("b")});
  Postgres::shared().start();
  ASSERT_TRUE(run_until(io, [&] { return db->connected() && root->connected(); }));
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
}

// It is not told of every record, but it is never left asleep while there is one.
TEST_F(AuditDrainTest, WritesEverythingByItselfHoweverItComes) {
  drain.reset();
  intake.reset();
  intake = std::make_unique<AuditIntake>(Spool::open(directory.path(), kRoomy).value(),
                                         io.get_executor(), [this] { drain->wake(); });
  drain = std::make_unique<AuditDrain>(io.get_executor(), *db, *intake, "host-1");
  TaskGroup tasks(io.get_executor());
  tasks.spawn("drain", drain->run());
  std::size_t written = 0;
  for (const int pause : {0, 0, 50, 230, 480, 520, 700, 1'100, 1, 1'300}) {
    const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause);
    run_until(io, [&] { return std::chrono::steady_clock::now() >= over; });
    intake->add_event(client, agent, event(std::to_string(++written)));
  }
  EXPECT_TRUE(run_until(io, [&] { return log().size() == written; })) << log().size();
  // Asleep by now, until the next.
  const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'500);
  run_until(io, [&] { return std::chrono::steady_clock::now() >= over; });
  intake->add_event(client, agent, event("last"));
  EXPECT_TRUE(run_until(io, [&] { return log().size() == written + 1; }));
  tasks.cancel();
  run_task(io, tasks.join());
}

TEST_F(AuditDrainTest, AnIntentBecomesPendingUntilItsOutcomeFollows) {
  testing::AuditSocket worker(io, agent);
  intake->add_agents(client, {agent});
  intake->add_worker(worker.other_end(), client);
  worker.say(RecordKind::kIntent, 1, R"({"actionType":"model_call","target":"m"})", agent);
  worker.answer();
  ASSERT_TRUE(run_task(io, drain->drain()));
  ASSERT_EQ(log().size(), 1U);
  EXPECT_EQ(log()[0].outcome, "pending");
  worker.say(RecordKind::kOutcome, 1, R"({"outcome":"success","metadata":{"status":200}})", agent);
  worker.say(RecordKind::kIntent, 2, R"({"actionType":"model_call","target":"n"})", agent);
  worker.say(RecordKind::kOutcome, 2, R"({"outcome":"success"})", agent);
  ASSERT_TRUE(run_until(io, [&] { return intake->records() == 4; }));
  open();
  ASSERT_TRUE(run_task(io, drain->drain()));
  const auto records = log();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].outcome, "success");
  const auto name = R"("intent": ")";
  const auto place = records[0].metadata.find(name);
  ASSERT_NE(place, std::string::npos) << records[0].metadata;
  EXPECT_THAT(records[1].metadata, HasSubstr(records[0].metadata.substr(place, 30)))
      << "which of them belong together";
  EXPECT_EQ(records[2].target, "n");
  EXPECT_EQ(records[2].outcome, "success");
}

TEST_F(AuditDrainTest, DamageInTheSpoolIsToldAndStopsNothing) {
  spool({event("a"), event("b"), event("c")});
  const auto size = intake->spool().durable_end();
  drain.reset();
  intake.reset();
  const auto segment = directory.file("0000000000000000.spool");
  std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 3 + size / 6));
  file.put('!');
  file.close();
  open();
  spool({event("d")});
  const auto drained = run_task(io, drain->drain());
  ASSERT_TRUE(drained) << drained.error().message;
  EXPECT_EQ(drain->position(), intake->spool().durable_end());
  EXPECT_EQ(drain->lost_bytes(), size / 3);
  const auto records = log();
  ASSERT_EQ(records.size(), 4U) << "a, c, d and the loss";
  EXPECT_TRUE(records[0].client.is_nil()) << "the platform's log comes first";
  EXPECT_EQ(records[0].action_type, "audit_records_lost");
  EXPECT_EQ(records[0].actor_type, "system");
  EXPECT_THAT(records[0].metadata, HasSubstr(std::to_string(size / 3)));
  EXPECT_EQ(records[1].target, "a");
  EXPECT_EQ(records[2].target, "c");
  EXPECT_EQ(records[3].target, "d");
  EXPECT_TRUE(std::filesystem::exists(segment + ".corrupt"));
  open();
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_EQ(log().size(), 4U) << "told once";
}

// The disk said that it was durable, and forgot it in a power cut; the database has it.
TEST_F(AuditDrainTest, ASpoolThatIsBehindTheDatabaseBeginsAnewAndLosesNothing) {
  spool({event("a")});
  const auto after_a = intake->spool().durable_end();
  spool({event("b"), event("c")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  drain.reset();
  intake.reset();
  std::filesystem::resize_file(directory.file("0000000000000000.spool"), after_a);
  open();
  spool({event("d")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_THAT(targets(), ElementsAre("a", "b", "c", "d"));
  open();
  spool({event("e")});
  ASSERT_TRUE(run_task(io, drain->drain()));
  EXPECT_THAT(targets(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(AuditDrainTest, AStopWritesWhatIsThereAndNotWhatComesMeanwhile) {
  spool({event("a"), event("b")});
  const auto then = intake->spool().durable_end();
  ASSERT_TRUE(run_task(io, drain->drain_last()));
  EXPECT_EQ(drain->position(), then);
  EXPECT_THAT(targets(), ElementsAre("a", "b"));
}

TEST_F(AuditDrainTest, WhatCannotBeReadIsNotedAndKeepsNobodyOut) {
  const std::vector<std::string> bad{"no JSON",
                                     "[]",
                                     "7",
                                     "null",
                                     R"({"metadata":7})",
                                     R"({"target":"\u0000"})",
                                     std::string("{\"target\":\"\xff\"}"),
                                     std::string("{\"target\":\"\0\"}", 14),
                                     std::string(16'000, '['),
                                     R"({"a":)" + std::string(15'000, '[')};
  for (const auto& json : bad) {
    spool({event("before"), json, event("after")});
    const auto drained = run_task(io, drain->drain());
    ASSERT_TRUE(drained) << json << ": " << drained.error().message;
  }
  const auto records = log();
  ASSERT_EQ(records.size(), 3 * bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(records[3 * i].target, "before");
    EXPECT_EQ(records[3 * i + 1].action_type, "audit_record_unreadable") << bad[i];
    EXPECT_EQ(records[3 * i + 1].outcome, "failure");
    EXPECT_EQ(records[3 * i + 2].target, "after");
  }
}

TEST_F(AuditDrainTest, ARecordCannotSayWhoseItIsOrMoreThanFits) {
  const auto other = ClientId::random().to_string();
  spool({R"({"clientId":")" + other + R"(","agentId":")" + other +
             R"(","actorType":"user","outcome":"whatever","actionType":")" + std::string(200, 'x') +
             R"("})",
         R"({"target":")" + std::string(5'000, 't') + R"("})"});
  ASSERT_TRUE(run_task(io, drain->drain()));
  const auto records = log();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].client, client);
  EXPECT_EQ(records[0].agent, agent);
  EXPECT_EQ(records[0].actor_type, "agent");
  EXPECT_EQ(records[0].outcome, "failure");
  EXPECT_EQ(records[0].action_type.size(), 64U);
  EXPECT_EQ(records[1].target->size(), 2048U);
}

TEST_F(AuditDrainTest, AppendingFromAnotherPositionWritesNothing) {
  const store::SpooledEvent one{
      .client = client, .agent = agent, .intent = {}, .outcome = event("one")};
  EXPECT_EQ(append(0, 10, {one}), 10U);
  EXPECT_EQ(append(0, 10, {one}), 10U) << "again";
  EXPECT_EQ(append(5, 20, {one}), 10U) << "in between";
  EXPECT_EQ(append(20, 30, {one}), 10U) << "too far";
  EXPECT_EQ(append(10, 5, {one}), 10U) << "backwards";
  EXPECT_THAT(targets(), ElementsAre("one"));
  EXPECT_EQ(append(10, 20, {}), 20U);
  EXPECT_EQ(run_task(io, store::spool_position(*db, "host-1/x")), 20U);
  EXPECT_EQ(run_task(io, store::spool_position(*db, "host-2/x")), 0U);
  EXPECT_THAT(targets(), ElementsAre("one"));
}

TEST_F(AuditDrainTest, AnEventOfNoAgentIsTheSystems) {
  const store::SpooledEvent one{
      .client = client, .agent = {}, .intent = {}, .outcome = event("one")};
  ASSERT_EQ(append(0, 1, {one}), 1U);
  EXPECT_EQ(log()[0].actor_type, "system");
  EXPECT_EQ(log()[0].agent, std::nullopt);
}

// ---- What egress reads.

class EgressPolicyTest : public AuditDrainTest {
 protected:
  EgressPolicyTest() {
    const auto id = client.to_string();
    Postgres::shared().run(
        "insert into clients (id, name, email, vault_salt) values ('" + id +
        "', 'n', 'n@example.com', decode(repeat('01', 32), 'hex'));" +
        "insert into agents (id, client_id, name, runtime, runtime_version, permissions, host) "
        "values ('" +
        agent.to_string() + "', '" + id + "', 'a', 'openclaw', '1', '{\"scopes\":[]}', 'host-1');");
  }

  void add_credential() {
    Postgres::shared().run(
        "insert into agent_credentials (client_id, agent_id, name, kind, hosts, placeholder, "
        "encrypted) values ('" +
        client.to_string() + "', '" + agent.to_string() +
        "', 'c', 'openai', '{a.example,b.example}', 'p', "
        R"('{"iv":"i","ciphertext":"x","tag":"t","keyVersion":1}'))");
  }
  void add_observation() {
    Postgres::shared().run(
        "insert into agent_observations (agent_id, client_id, address) values ('" +
        agent.to_string() + "', '" + client.to_string() + "', '10.232.0.7')");
  }

  std::vector<store::EgressClient> clients(const std::string& host = "host-1") {
    auto list = run_task(io, store::list_egress_clients(*db, host));
    if (!list) throw std::runtime_error(list.error().message);
    return std::move(*list);
  }
};

TEST_F(EgressPolicyTest, ListsTheClientsOfAHostWithAllThatEgressNeeds) {
  auto list = clients();
  ASSERT_EQ(list.size(), 1U);
  ASSERT_EQ(list[0].agents.size(), 1U);
  EXPECT_EQ(list[0].agents[0].address, "");
  EXPECT_THAT(list[0].agents[0].credentials, IsEmpty());
  EXPECT_EQ(list[0].certificate, "");

  add_credential();
  add_observation();
  Postgres::shared().run(
      "insert into client_authorities (client_id, certificate, encrypted) values ('" +
      client.to_string() + R"(', 'pem', '{"iv":"i","ciphertext":"k","tag":"t","keyVersion":1}'))");
  Postgres::shared().run(
      "insert into clients (name, email, vault_salt) values ('o', 'o@example.com', "
      "decode(repeat('02', 32), 'hex'))");
  list = clients();
  ASSERT_EQ(list.size(), 1U) << "one without an agent here is none of ours";
  EXPECT_EQ(list[0].id, client);
  EXPECT_TRUE(list[0].active);
  EXPECT_EQ(list[0].salt, Bytes(32, 1));
  EXPECT_EQ(list[0].certificate, "pem");
  EXPECT_EQ(list[0].sealed_key.at("ciphertext"), "k");
  ASSERT_EQ(list[0].agents.size(), 1U);
  EXPECT_EQ(list[0].agents[0].id, agent);
  EXPECT_EQ(list[0].agents[0].address, "10.232.0.7");
  EXPECT_TRUE(list[0].agents[0].permissions.as_object().contains("scopes"));
  ASSERT_EQ(list[0].agents[0].credentials.size(), 1U);
  const auto& credential = list[0].agents[0].credentials[0];
  EXPECT_EQ(credential.name, "c");
  EXPECT_EQ(credential.kind, "openai");
  EXPECT_THAT(credential.hosts, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(credential.placeholder, "p");
  EXPECT_EQ(credential.sealed.at("ciphertext"), "x");

  Postgres::shared().run("update clients set status = 'suspended'");
  EXPECT_FALSE(clients()[0].active);
  EXPECT_THAT(clients("host-2"), IsEmpty());
}

TEST_F(EgressPolicyTest, NotesThatACredentialWasUsed) {
  add_credential();
  ASSERT_TRUE(run_task(io, store::touch_credential(*db, agent, "c")));
  EXPECT_TRUE(run_task(io, store::touch_credential(*db, AgentId::random(), "gone")));
  EXPECT_EQ(Postgres::shared().run("select last_used_at is not null from agent_credentials"), "t");
}

TEST_F(EgressPolicyTest, IsToldOfEveryChangeOfAPolicyAndOfNothingElse) {
  std::vector<std::string> heard;
  bool listening = false;
  db::Listener listener(io.get_executor(), Postgres::shared().conninfo("deployclaw_egress"));
  listener.listen("deployclaw_policy", [&](const db::Notification& notification) {
    listening = listening || notification.gap;
    if (!notification.gap) heard.emplace_back(notification.payload);
  });
  ASSERT_TRUE(run_until(io, [&] { return listening; }));

  struct Row {
    std::string sql;
    bool told;
  };
  add_credential();
  add_observation();
  ASSERT_TRUE(run_until(io, [&] { return heard.size() == 2; })) << "a credential and an address";
  const std::vector<Row> table{
      {"update clients set name = 'other'", false},
      {"update agents set status = 'running'", false},
      {"update agent_credentials set last_used_at = now()", false},
      {"update agent_observations set restarts = 1", false},
      {"update clients set status = 'suspended'", true},
      {"update agents set permissions = '{\"scopes\":[\"api:outbound\"]}'", true},
      {"update agents set host = 'host-2'", true},
      {"update agent_credentials set hosts = '{c.example}'", true},
      {"update agent_credentials set placeholder = 'q'", true},
      {R"(update agent_credentials set encrypted = encrypted || '{"iv":"j"}')", true},
      {"update agent_credentials set oauth = encrypted, encrypted = null", true},
      {"update agent_credentials set expires_at = now()", true},
      {"update agent_observations set address = '10.232.0.8'", true},
      {"delete from agent_observations", true},
      {"delete from agent_credentials", true},
      {"delete from agents", true},
  };
  for (const auto& row : table) {
    heard.clear();
    Postgres::shared().run(row.sql);
    // Notifications keep their order, so what comes before this one is the row's.
    Postgres::shared().run("notify deployclaw_policy, 'end'");
    ASSERT_TRUE(run_until(io, [&] { return !heard.empty() && heard.back() == "end"; }));
    heard.pop_back();
    if (row.told) {
      EXPECT_THAT(heard, ElementsAre(client.to_string())) << row.sql;
    } else {
      EXPECT_THAT(heard, IsEmpty()) << row.sql;
    }
  }
  run_task(io, listener.close());
}

}  // namespace
}  // namespace deployclaw::egress
