// From a worker's socket over the spool into the audit log of a real PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"
#include "egress/audit_drain.hpp"
#include "egress/audit_trail.hpp"

namespace deployclaw::egress {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;
using db::testing::Postgres;
using db::testing::run_to_end;

class EgressAudit : public ::testing::Test {
 protected:
  EgressAudit() : directory_(fs::temp_directory_path() / AgentId::random().to_string()) {
    Postgres::shared().reset();
    fs::create_directory(directory_);
  }
  ~EgressAudit() override { fs::remove_all(directory_); }

  std::unique_ptr<AuditIntake> make_intake(std::uint64_t most = 1 << 20) {
    auto spool = Spool::open(directory_.string(), most);
    EXPECT_TRUE(spool) << spool.error().message;
    return std::make_unique<AuditIntake>(std::move(*spool), io_.get_executor(), [] {});
  }

  static std::string sql(std::string_view text) { return Postgres::shared().run(text); }
  static db::Options options() {
    return {.conninfo = Postgres::shared().conninfo("deployclaw_egress")};
  }

  asio::io_context io_{1};
  fs::path directory_;
  ClientId client_ = ClientId::random();
  AgentId agent_ = AgentId::random();
};

TEST_F(EgressAudit, AnIntentIsDurableBeforeItsRequestGoesOnAndEndsInOneRecord) {
  auto intake = make_intake();
  auto pair = make_packet_pair();
  ASSERT_TRUE(pair);
  intake->add_agents(client_, {agent_});
  intake->add_worker(std::move(pair->first), client_);
  AuditTrail trail(io_.get_executor(), std::move(pair->second));
  const auto body = [&]() -> Task<void> {
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("answers", trail.run());
    auto intent = trail.intend(agent_, {{"actionType", "model_call"},
                                        {"target", "api.example.com"},
                                        {"metadata", json::object{{"a", 1}}}});
    const auto durable = co_await intent.durable();
    EXPECT_TRUE(durable);
    EXPECT_GT(intake->spool().durable_end(), 0U) << "on disk before the answer";
    intent.finish({{"outcome", "success"}, {"metadata", json::object{{"status", 200}}}});
    co_await sleep_for(std::chrono::milliseconds(500));
    db::Database database(co_await asio::this_coro::executor, options());
    AuditDrain drain(co_await asio::this_coro::executor, database, *intake, "host");
    const auto drained = co_await drain.drain();
    EXPECT_TRUE(drained) << drained.error().message;
    co_await database.close();
    trail.close();
    tasks.cancel();
    co_await tasks.join();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
  EXPECT_EQ(sql("SELECT count(*) FROM audit_logs"), "1");
  EXPECT_EQ(sql("SELECT client_id FROM audit_logs"), client_.to_string())
      << "not the worker's word";
  EXPECT_EQ(
      sql("SELECT action_type || ' ' || target || ' ' || outcome || ' ' || actor_type || ' ' || "
          "(metadata ->> 'a') || (metadata ->> 'status') FROM audit_logs"),
      "model_call api.example.com success agent 1200");
}

TEST_F(EgressAudit, AFullSpoolRefusesIntents) {
  auto intake = make_intake(/*most=*/200);
  auto pair = make_packet_pair();
  intake->add_agents(client_, {agent_});
  intake->add_worker(std::move(pair->first), client_);
  AuditTrail trail(io_.get_executor(), std::move(pair->second));
  const auto body = [&]() -> Task<void> {
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("answers", trail.run());
    auto intent = trail.intend(agent_, {{"target", std::string(500, 'x')}});
    const auto durable = co_await intent.durable();
    EXPECT_FALSE(durable);
    EXPECT_EQ(durable.error().reason, "audit_unavailable");
    EXPECT_FALSE(intake->writable());
    trail.close();
    tasks.cancel();
    co_await tasks.join();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
}

TEST_F(EgressAudit, WithoutTheSpoolNothingIsDurable) {
  auto pair = make_packet_pair();
  AuditTrail trail(io_.get_executor(), std::move(pair->second));
  pair->first = linux::UniqueFd();
  const auto body = [&]() -> Task<void> {
    auto intent = trail.intend(agent_, {{"target", "x"}});
    const auto durable = co_await intent.durable();
    EXPECT_FALSE(durable);
    trail.close();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
}

TEST_F(EgressAudit, AWorkerThatDiesLeavesItsOpenRequestsEnded) {
  auto intake = make_intake();
  auto pair = make_packet_pair();
  intake->add_agents(client_, {agent_});
  intake->add_worker(std::move(pair->first), client_);
  {
    const auto body = [&]() -> Task<void> {
      PacketChannel worker(co_await asio::this_coro::executor, std::move(pair->second));
      const RecordMessage intent{
          .kind = RecordKind::kIntent, .agent = agent_, .id = 1, .json = R"({"target":"x"})"};
      std::string packet;
      append(packet, intent);
      EXPECT_TRUE(worker.send(packet));
      const auto answer = co_await worker.receive();
      EXPECT_TRUE(answer);
      worker.close();
    };
    auto task = body();
    run_to_end(io_, std::move(task));
  }
  const auto body = [&]() -> Task<void> {
    co_await sleep_for(std::chrono::milliseconds(500));
    db::Database database(co_await asio::this_coro::executor, options());
    AuditDrain drain(co_await asio::this_coro::executor, database, *intake, "host");
    const auto drained = co_await drain.drain();
    EXPECT_TRUE(drained);
    co_await database.close();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
  EXPECT_EQ(sql("SELECT outcome FROM audit_logs"), "failure");
  EXPECT_NE(sql("SELECT metadata ->> 'detail' FROM audit_logs").find("interrupted"),
            std::string::npos);
}

TEST_F(EgressAudit, AFloodOfRefusalsIsCountedInsteadOfWritten) {
  auto intake = make_intake(16 << 20);
  auto pair = make_packet_pair();
  intake->add_agents(client_, {agent_});
  intake->add_worker(std::move(pair->first), client_);
  AuditTrail trail(io_.get_executor(), std::move(pair->second));
  const auto body = [&]() -> Task<void> {
    for (int i = 0; i < 5'000; ++i) trail.event(agent_, {{"outcome", "denied"}});
    co_await sleep_for(std::chrono::milliseconds(200));
    trail.event(agent_, {{"outcome", "denied"}});
    co_await sleep_for(std::chrono::milliseconds(600));
    db::Database database(co_await asio::this_coro::executor, options());
    AuditDrain drain(co_await asio::this_coro::executor, database, *intake, "host");
    const auto drained = co_await drain.drain();
    EXPECT_TRUE(drained);
    co_await database.close();
    trail.close();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
  const auto written = std::stoi(sql("SELECT count(*) FROM audit_logs"));
  const auto counted = std::stoi(sql("SELECT sum((metadata ->> 'leftOut')::int) FROM audit_logs"));
  EXPECT_LT(written, 1'000);
  EXPECT_EQ(written + counted, 5'001) << "none is lost without a trace";
}

// What lets the drain be killed anywhere: the position moves with the records, or neither does.
TEST_F(EgressAudit, AStretchIsWrittenOnceAndOneOutOfPlaceNotAtAll) {
  const auto body = [&]() -> Task<void> {
    db::Database database(co_await asio::this_coro::executor, options());
    const std::vector<store::SpooledEvent> events{
        {.client = client_, .agent = agent_, .intent = R"({"target":"a"})", .outcome = ""},
        {.client = client_, .agent = agent_, .intent = "", .outcome = "no { json"},
        {.client = client_, .agent = agent_, .intent = "", .outcome = R"({"outcome":"made up"})"}};
    auto copy = events;
    const auto first = co_await store::append_spooled(database, "h", 0, 100, std::move(copy));
    EXPECT_EQ(first.value_or(0), 100U);
    copy = events;
    const auto again = co_await store::append_spooled(database, "h", 0, 100, std::move(copy));
    EXPECT_EQ(again.value_or(0), 100U) << "told where the log is";
    copy = events;
    const auto ahead = co_await store::append_spooled(database, "h", 200, 300, std::move(copy));
    EXPECT_EQ(ahead.value_or(0), 100U);
    const auto position = co_await store::spool_position(database, "h");
    EXPECT_EQ(position.value_or(0), 100U);
    co_await database.close();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
  EXPECT_EQ(
      sql("SELECT string_agg(outcome || ' ' || action_type, ',' ORDER BY seq) FROM audit_logs"),
      "pending api_call,failure audit_record_unreadable,failure api_call");
}

TEST_F(EgressAudit, ClientsInTurnsAndOneThatIsNoObjectAmongThemAreChainedEachByItself) {
  const auto other = ClientId::random();
  const auto told = [](const std::string& target) { return R"({"target":")" + target + "\"}"; };
  const auto body = [&]() -> Task<void> {
    db::Database database(co_await asio::this_coro::executor, options());
    std::uint64_t position = 0;
    for (const std::string bad : {R"({"metadata":{}})", R"({"metadata":[]})", "[]"}) {
      std::vector<store::SpooledEvent> events;
      for (const std::string target : {"a", "b", "c"}) {
        const std::string outcome = target == "b" ? bad : R"({"outcome":"success"})";
        events.push_back({client_, agent_, told(target), outcome});
        events.push_back(
            {other, {}, told(target), R"({"outcome":"denied","metadata":{"x":null}})"});
      }
      const auto end = position + 100;
      const auto written =
          co_await store::append_spooled(database, "h", position, end, std::move(events));
      EXPECT_EQ(written.value_or(0), end);
      position = end;
    }
    co_await database.close();
  };
  auto task = body();
  run_to_end(io_, std::move(task));
  const auto of = [](const ClientId& client) {
    return sql(
        "SELECT string_agg(concat_ws(' ', target, outcome, actor_type, metadata), ',' "
        "ORDER BY seq) FROM audit_logs WHERE client_id = '" +
        client.to_string() + "'");
  };
  EXPECT_EQ(of(client_),
            "a success agent {},b failure agent {},c success agent {},"
            "a success agent {},b failure agent {},c success agent {},"
            "a success agent {},b failure agent {},c success agent {}");
  EXPECT_EQ(of(other),
            "a denied system {},b denied system {},c denied system {},"
            "a denied system {},b denied system {},c denied system {},"
            "a denied system {},b denied system {},c denied system {}");
  EXPECT_EQ(sql("SELECT string_agg(action_type, ',' ORDER BY seq) FROM audit_logs "
                "WHERE target = 'b' AND outcome = 'failure'"),
            "api_call,audit_record_unreadable,audit_record_unreadable");
  EXPECT_EQ(sql("SELECT count(*) FROM (SELECT prev_hash, lag(hash) OVER w AS hash, seq, "
                "lag(seq) OVER w AS before FROM audit_logs WINDOW w AS "
                "(PARTITION BY client_id ORDER BY seq)) AS t "
                "WHERE prev_hash <> hash OR seq <> before + 1"),
            "0");
}

}  // namespace
}  // namespace deployclaw::egress
