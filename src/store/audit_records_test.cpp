#include "store/audit_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/append.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::store {
namespace {

using db::testing::Postgres;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Column = AuditColumn;

const ClientId kClient = ClientId::random();
const ClientId kOther = ClientId::random();
const AgentId kAgent = AgentId::random();

audit::Event event_of(ClientId client, std::string actor, std::string action,
                      std::string outcome = "success") {
  return {.client = client,
          .agent = kAgent,
          .actor_type = std::move(actor),
          .action_type = std::move(action),
          .outcome = std::move(outcome)};
}

// The log of a client, seq 1 to 6, and one record of another's.
std::vector<audit::Event> some_events() {
  std::vector<audit::Event> events;
  events.push_back(event_of(kClient, "user", "agent_created"));
  events.push_back(event_of(kClient, "agent", "api_call"));
  events.push_back(event_of(kClient, "agent", "api_call", "denied"));
  events.push_back(event_of(kClient, "operator", "client_suspended"));
  events.push_back(event_of(kClient, "user", "agent_stopped", "denied"));
  auto without_agent = event_of(kClient, "user", "login");
  without_agent.agent.reset();
  events.push_back(without_agent);
  events.push_back(event_of(kOther, "user", "not_ours"));
  return events;
}

using Seqs = std::vector<std::int64_t>;

Seqs seqs_of(const Result<db::Rows>& rows) {
  Seqs out;
  EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
  if (!rows) return out;
  for (const auto row : *rows) out.push_back(row.int64(Column::kSeq));
  return out;
}

class AuditRecords : public ::testing::Test {
 protected:
  void SetUp() override { Postgres::shared().reset(); }
  // Gives the body the database as the api sees it, with some_events() in the log.
  void run(Task<void> (*body)(db::Database& api)) {
    db::testing::run_to_end(io_, with_database(body));
  }

 private:
  Task<void> with_database(Task<void> (*body)(db::Database&)) {
    db::Database api(io_.get_executor(),
                     {.conninfo = Postgres::shared().conninfo("deployclaw_api")});
    auto events = some_events();
    const auto appended = co_await audit::append(api, std::move(events));
    EXPECT_TRUE(appended) << (appended ? "" : appended.error().message);
    co_await body(api);
    co_await api.close();
  }

  boost::asio::io_context io_;
};

Task<Seqs> listed(db::Database& api, AuditFilter filter, std::int64_t limit = 50,
                  std::optional<std::int64_t> before = std::nullopt) {
  const auto rows = co_await list_audit(api, kClient, std::move(filter), limit, before);
  co_return seqs_of(rows);
}

Task<void> narrow_by_actor(db::Database& api) {
  AuditFilter filter;
  auto got = co_await listed(api, filter);
  EXPECT_THAT(got, ElementsAre(6, 5, 4, 3, 2, 1)) << "no filter, all of this client's";
  filter.actor_type = "user";
  got = co_await listed(api, filter);
  EXPECT_THAT(got, ElementsAre(6, 5, 1));
  filter.actor_type = "operator";
  got = co_await listed(api, filter);
  EXPECT_THAT(got, ElementsAre(4));
  filter.actor_type = "system";
  got = co_await listed(api, filter);
  EXPECT_THAT(got, IsEmpty());
}

TEST_F(AuditRecords, AreThoseOfTheActorThatIsAskedFor) { run(narrow_by_actor); }

Task<void> join_the_filters(db::Database& api) {
  AuditFilter filter;
  filter.agent = kAgent;
  filter.actor_type = "user";
  auto got = co_await listed(api, filter);
  EXPECT_THAT(got, ElementsAre(5, 1)) << "not the login";
  filter.outcome = "denied";
  got = co_await listed(api, filter);
  EXPECT_THAT(got, ElementsAre(5));
  filter.text = "CREATED";
  got = co_await listed(api, filter);
  EXPECT_THAT(got, IsEmpty());
}

TEST_F(AuditRecords, FitEveryFilterAtOnce) { run(join_the_filters); }

Task<void> page_by_actor(db::Database& api) {
  AuditFilter filter;
  filter.actor_type = "user";
  auto got = co_await listed(api, filter, 2);
  EXPECT_THAT(got, ElementsAre(6, 5));
  got = co_await listed(api, filter, 2, 5);
  EXPECT_THAT(got, ElementsAre(1)) << "the page is of what fits, not of what was looked at";
}

TEST_F(AuditRecords, OfOneActorComeInWholePages) { run(page_by_actor); }

Task<void> export_by_actor(db::Database& api) {
  AuditFilter filter;
  filter.actor_type = "user";
  auto rows = co_await export_audit(api, kClient, filter, 2, 0);
  EXPECT_THAT(seqs_of(rows), ElementsAre(1, 5));
  rows = co_await export_audit(api, kClient, filter, 2, 5);
  EXPECT_THAT(seqs_of(rows), ElementsAre(6));
}

TEST_F(AuditRecords, AreExportedByActorOldestFirst) { run(export_by_actor); }

Task<void> hostile_actor(db::Database& api) {
  AuditFilter filter;
  for (const char* hostile : {"user' OR '1'='1", "%", "user\n", ""}) {
    filter.actor_type = hostile;
    const auto got = co_await listed(api, filter);
    EXPECT_THAT(got, IsEmpty()) << hostile;
  }
}

TEST_F(AuditRecords, TakeAnActorForTextAndNothingElse) { run(hostile_actor); }

}  // namespace
}  // namespace deployclaw::store
