#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdio>
#include <fstream>
#include <set>

#include "audit/append.hpp"
#include "audit/verify.hpp"
#include "base/encoding.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::audit {
namespace {

namespace asio = boost::asio;
using db::testing::Postgres;
using db::testing::run_to_end;

constexpr db::Statement kReadAll{
    "read_all",
    "select client_id, seq, created_at, agent_id, actor_type, actor_id, action_type, target, "
    "outcome, metadata::text, host(ip_address), prev_hash, hash from audit_logs "
    "order by client_id, seq"};

Task<std::vector<Record>> read_all(db::Database& database) {
  std::vector<Record> out;
  const auto rows = co_await database.query(kReadAll);
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
  if (rows) {
    for (const auto row : *rows) out.push_back(record_of(row));
  }
  co_return out;
}

Event event_of(ClientId client, std::string action, std::string target) {
  return {.client = client,
          .actor_type = "user",
          .actor_id = "u1",
          .action_type = std::move(action),
          .target = std::move(target)};
}

class AuditTest : public ::testing::Test {
 protected:
  void SetUp() override { Postgres::shared().reset(); }

  // Gives the body a database of the api and one of the superuser.
  void run(Task<void> (*body)(db::Database& api, db::Database& root)) {
    run_to_end(io_, with_databases(body));
  }

 private:
  Task<void> with_databases(Task<void> (*body)(db::Database&, db::Database&)) {
    const auto executor = io_.get_executor();
    db::Database api(executor, {.conninfo = Postgres::shared().conninfo("deployclaw_api")});
    db::Database root(executor, {.conninfo = Postgres::shared().conninfo("postgres")});
    std::exception_ptr thrown;
    try {
      co_await body(api, root);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await api.close();
    co_await root.close();
    if (thrown) std::rethrow_exception(thrown);
  }

  asio::io_context io_;
};

std::vector<Event> awkward_events(ClientId client) {
  std::vector<Event> events;
  for (const char* metadata :
       {R"({})", R"({"b": 1, "a": [1.0, 1e3, -0, 0.10, 123456789012345678901234567890]})",
        R"({"text": "Zażółć \"gęślą\" \\ jaźń 🦞 \u0001 \t\n", "": null, "ü": true})",
        R"({"deep": {"er": [[], {}, [null, {"x": "y"}]]}, "long": "…"})",
        R"({"dup": 1, "dup": 2, "big": 1e300, "small": 1e-300})"}) {
    auto event = event_of(client, "probe.awkward", "ünïcode – \"quoted\" \n line 🦞");
    event.metadata = boost::json::parse(metadata).as_object();
    events.push_back(event);
  }
  auto bare = event_of(client, "probe.bare", "");
  bare.actor_id = "";
  events.push_back(bare);
  for (const char* ip : {"192.0.2.1", "2001:DB8:0:0::1", "::ffff:192.0.2.7", "10.0.0.0/8"}) {
    auto event = event_of(client, "probe.address", "t");
    event.ip = ip;
    event.agent = AgentId::random();
    event.outcome = "denied";
    events.push_back(event);
  }
  return events;
}

Task<void> agree_on_awkward(db::Database& api, db::Database& root) {
  auto events = awkward_events(ClientId::random());
  const auto count = events.size();
  const auto appended = co_await append(api, std::move(events));
  EXPECT_TRUE(appended) << (appended ? "" : appended.error().message);
  const auto records = co_await read_all(root);
  EXPECT_EQ(records.size(), count);
  for (const auto& record : records) {
    EXPECT_EQ(hex_encode(record_hash(record)), hex_encode(record.hash)) << format_line(record);
    const auto again = parse_line(format_line(record));
    EXPECT_TRUE(again) << (again ? "" : again.error().message);
    if (again) {
      EXPECT_EQ(record_hash(*again), record.hash) << format_line(record);
    }
  }
  EXPECT_TRUE(verify(records).holds());
}

TEST_F(AuditTest, SqlAndCppAgreeOnTheHashOfAwkwardValues) { run(agree_on_awkward); }

Task<void> write_export(db::Database& api, db::Database& root) {
  auto events = awkward_events(ClientId::random());
  const auto appended = co_await append(api, std::move(events));
  EXPECT_TRUE(appended);
  const auto records = co_await read_all(root);
  std::ofstream good(::testing::TempDir() + "audit_good.jsonl");
  std::ofstream bad(::testing::TempDir() + "audit_bad.jsonl");
  for (const auto& record : records) {
    good << format_line(record) << '\n';
    auto edited = record;
    if (record.seq == 2) edited.target = "something else";
    bad << format_line(edited) << '\n';
  }
}

int outsider(const std::string& file) {
  const std::string script = DEPLOYCLAW_SOURCE_DIR "/src/audit/testing/verify_export.mjs";
  const auto command = "node '" + script + "' < '" + ::testing::TempDir() + file + "'";
  return std::system(command.c_str());
}

TEST_F(AuditTest, AnOutsidersNodeScriptAgreesAndFindsAnEdit) {
  if (std::system("node --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no node here";
  run(write_export);
  EXPECT_EQ(outsider("audit_good.jsonl"), 0);
  EXPECT_NE(outsider("audit_bad.jsonl"), 0);
}

// --- the chain under load ---

Task<void> appender(db::Database& api, ClientId client, int count, int& failures) {
  for (int i = 0; i < count; ++i) {
    auto transaction = co_await api.begin(client);
    if (!transaction) {
      ++failures;
      co_return;
    }
    auto event = event_of(client, "probe.load", std::to_string(i));
    const auto appended = co_await append(*transaction, std::move(event));
    if (i % 4 == 3) continue;  // rolled back: leaves no hole in the chain
    const auto committed = co_await transaction->commit();
    failures += !appended || !committed;
  }
}

Task<void> concurrent(db::Database& api, db::Database& root) {
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup group(executor);
  int failures = 0;
  const std::array clients = {ClientId::random(), ClientId::random()};
  for (std::size_t i = 0; i < 20; ++i) {
    group.spawn("appender", appender(api, clients[i % 2], 8, failures));
  }
  co_await group.join();
  EXPECT_EQ(failures, 0);
  const auto records = co_await read_all(root);
  EXPECT_EQ(records.size(), 120U);
  const auto report = verify(records);
  EXPECT_TRUE(report.holds());
  EXPECT_EQ(report.chains.size(), 2U);
  for (const auto& chain : report.chains) EXPECT_EQ(chain.last_seq, 60);
}

TEST_F(AuditTest, TwentyConcurrentAppendersLeaveUnbrokenChains) { run(concurrent); }

Task<void> with_its_change(db::Database& api, db::Database& root) {
  const auto client = ClientId::random();
  auto transaction = co_await api.begin(client);
  auto event = event_of(client, "probe.change", "t");
  const auto appended = co_await append(*transaction, std::move(event));
  EXPECT_TRUE(appended);
  co_await transaction->rollback();
  const auto records = co_await read_all(root);
  EXPECT_TRUE(records.empty());
}

TEST_F(AuditTest, ARecordGoesWithTheChangeItTellsOf) { run(with_its_change); }

// --- what is refused ---

Task<void> refusals(db::Database& api, db::Database& root) {
  const auto mine = ClientId::random();
  auto transaction = co_await api.begin(mine);
  auto foreign = event_of(ClientId::random(), "probe.foreign", "t");
  const auto other = co_await append(*transaction, std::move(foreign));
  EXPECT_FALSE(other);
  if (!other) {
    EXPECT_EQ(other.error().code, Code::kForbidden);
  }

  for (int broken = 0; broken < 4; ++broken) {
    auto event = event_of(mine, "probe.broken", "t");
    if (broken == 0) event.actor_type = "nobody";
    if (broken == 1) event.outcome = "perhaps";
    if (broken == 2) event.ip = "not an address";
    if (broken == 3) event.action_type = "";
    std::vector<Event> events{event};
    const auto refused = co_await append(api, std::move(events));
    EXPECT_FALSE(refused) << broken;
    if (!refused) {
      EXPECT_EQ(refused.error().code, Code::kInvalid) << refused.error().message;
    }
  }
  const auto records = co_await read_all(root);
  EXPECT_TRUE(records.empty());
}

TEST_F(AuditTest, RefusesAnotherClientsEventFromTheApiAndBrokenOnes) { run(refusals); }

Task<void> order_of_locks(db::Database& api, db::Database& root) {
  // As the orchestrator, whose one transaction may tell of several clients.
  (void)api;
  const auto executor = co_await asio::this_coro::executor;
  db::Database orchestrator(executor,
                            {.conninfo = Postgres::shared().conninfo("deployclaw_orchestrator")});
  const auto a = ClientId::random();
  const auto b = ClientId::random();
  auto transaction = co_await orchestrator.begin();
  std::vector<Event> events{event_of(a, "one", "t"), event_of(b, "two", "t"),
                            event_of(a, "three", "t")};
  const auto appended = co_await append(*transaction, std::move(events));
  EXPECT_TRUE(appended);
  const auto committed = co_await transaction->commit();
  EXPECT_TRUE(committed);
  const auto records = co_await read_all(root);
  EXPECT_EQ(records.size(), 3U);
  EXPECT_TRUE(verify(records).holds());
  co_await orchestrator.close();
}

TEST_F(AuditTest, OneTransactionMayTellOfSeveralClients) { run(order_of_locks); }

}  // namespace
}  // namespace deployclaw::audit
