// Row-level security through Database: a tenant's query and nothing but it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "db/database.hpp"
#include "db/testing/loop.hpp"
#include "db/testing/postgres.hpp"

namespace deployclaw::db {
namespace {

namespace asio = boost::asio;
using testing::Postgres;
using testing::run_to_end;

constexpr Statement kTenant{"tenant", "select current_setting('deployclaw.client_id', true)"};
constexpr Statement kClients{"clients", "select id from clients"};

// One connection, so that what one query leaves behind the next would see.
Options api() {
  return {.conninfo = Postgres::shared().conninfo("deployclaw_api"),
          .shared_connections = 1,
          .max_transactions = 1};
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

Task<void> setting_does_not_leak(Database& database) {
  const auto tenant = ClientId::random();
  const auto with = co_await database.query(tenant, kTenant);
  EXPECT_TRUE(with);
  if (with) {
    EXPECT_EQ(with->front().text(0), tenant.to_string());
  }
  const auto without = co_await database.query(kTenant);
  EXPECT_TRUE(without);
  if (without) {
    EXPECT_EQ(without->front().maybe_text(0).value_or(""), "");
  }
}

TEST(Tenant, SetsTheTenantForOneQueryOnly) { run(api(), setting_does_not_leak); }

Task<void> check_tenant(Database& database, std::optional<ClientId> tenant, bool fails, int& good) {
  Result<Rows> rows;
  constexpr Statement kTenantOrFail{
      "tenant_or_fail", "select current_setting('deployclaw.client_id', true), 1 / $1::int"};
  auto params = Params::of(fails ? 0 : 1);
  if (tenant) {
    rows = co_await database.query(*tenant, kTenantOrFail, std::move(params));
  } else {
    rows = co_await database.query(kTenantOrFail, std::move(params));
  }
  if (fails) {
    good += !rows;
  } else {
    good += rows && rows->front().maybe_text(0).value_or("") == (tenant ? tenant->to_string() : "");
  }
}

Task<void> tenants_interleaved(Database& database) {
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup group(executor);
  int good = 0;
  for (int i = 0; i < 300; ++i) {
    std::optional<ClientId> tenant;
    if (i % 3 != 0) tenant = ClientId::random();
    group.spawn("query", check_tenant(database, tenant, i % 5 == 0, good));
  }
  co_await group.join();
  EXPECT_EQ(good, 300);
}

TEST(Tenant, KeepsTenantsApartOnOneConnectionAlsoBetweenFailures) {
  run(api(), tenants_interleaved);
}

std::string add_client(std::string_view email) {
  return Postgres::shared().run("insert into clients (name, email, vault_salt) values ('n', '" +
                                std::string(email) +
                                "', decode(repeat('00', 32), 'hex')) returning id");
}

Task<void> sees_its_rows(Database& database) {
  Postgres::shared().reset();
  const std::vector<std::string> ids = {add_client("a@example.com"), add_client("b@example.com")};
  for (const auto& id : ids) {
    const auto tenant = *ClientId::parse(id);
    const auto own = co_await database.query(tenant, kClients);
    EXPECT_TRUE(own);
    if (own) {
      EXPECT_EQ(own->size(), 1);
    }
    if (own && own->size() == 1) {
      EXPECT_EQ(own->front().id<ClientTag>(0), tenant);
    }
    const auto none = co_await database.query(kClients);
    EXPECT_TRUE(none && none->empty()) << "the setting leaked into the next query";

    auto transaction = co_await database.begin(tenant);
    const auto inside = co_await transaction->query(kClients);
    EXPECT_TRUE(inside && inside->size() == 1);
    const auto committed = co_await transaction->commit();
    EXPECT_TRUE(committed);
    auto next = co_await database.begin();
    const auto outside = co_await next->query(kClients);
    EXPECT_TRUE(outside && outside->empty()) << "the setting leaked into the next transaction";
  }
  Postgres::shared().reset();
}

TEST(Tenant, RowSecuritySeesTheTenantOfAQueryAndOfATransaction) { run(api(), sees_its_rows); }

Task<void> commits_with_tenant(Database& database) {
  Postgres::shared().reset();
  const auto tenant = *ClientId::parse(add_client("a@example.com"));
  constexpr Statement kRename{"rename", "update clients set name = $1"};
  auto params = Params::of("renamed");
  const auto updated = co_await database.query(tenant, kRename, std::move(params));
  EXPECT_TRUE(updated && updated->affected() == 1);
  EXPECT_EQ(Postgres::shared().run("select name from clients"), "renamed")
      << "the implicit transaction commits";
  auto more = Params::of("nobody");
  const auto nobody = co_await database.query(kRename, std::move(more));
  EXPECT_TRUE(nobody && nobody->affected() == 0);
  Postgres::shared().reset();
}

TEST(Tenant, AWriteOfATenantIsCommittedAndWithoutATenantNothingIsTouched) {
  run(api(), commits_with_tenant);
}

}  // namespace
}  // namespace deployclaw::db
