#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

#include "db/testing/postgres.hpp"
#include "egress/grant_keeper.hpp"
#include "net/testing/raw_client.hpp"
#include "net/testing/run_task.hpp"
#include "services/oauth_grant.hpp"
#include "vault/testing/in_memory_vault.hpp"

// A renewed token's way from the worker's message into the table, sealed, in PostgreSQL.
namespace deployclaw::egress {
namespace {

using db::testing::Postgres;
using net::testing::run_task;
using ::testing::HasSubstr;
using ::testing::Not;

class GrantKeeperTest : public ::testing::Test {
 protected:
  GrantKeeperTest() {
    Postgres::shared().reset();
    db = std::make_unique<db::Database>(
        io.get_executor(),
        db::Options{.conninfo = Postgres::shared().conninfo("deployclaw_egress")});
    keeper = std::make_unique<GrantKeeper>(*db, vault, clock);
    Postgres::shared().run(
        "insert into clients (id, name, email, vault_salt) values ('" + client.to_string() +
        "', 'n', 'n@example.com', decode(repeat('01', 32), 'hex'));" +
        "insert into agents (id, client_id, name, runtime, runtime_version, permissions, host) "
        "values ('" +
        agent.to_string() + "', '" + client.to_string() +
        "', 'a', 'openclaw', '1', '{\"scopes\":[]}', 'host-1');" +
        "insert into agent_credentials (client_id, agent_id, name, kind, placeholder, oauth) "
        "values ('" +
        client.to_string() + "', '" + agent.to_string() + "', 'mail', 'gmail', 'p', '" +
        boost::json::serialize(sealed("first-refresh")) + "')");
  }
  ~GrantKeeperTest() override { run_task(io, db->close()); }

  vault::SealContext context() const {
    return {.client = client,
            .client_salt = Bytes(32, 1),
            .agent = agent,
            .name = "mail",
            .purpose = vault::kOAuthGrant};
  }
  boost::json::object sealed(std::string_view refresh_token) {
    const services::OAuthGrant grant{.client_id = "id",
                                     .client_secret = Secret::copy_of("client-secret"),
                                     .refresh_token = Secret::copy_of(refresh_token),
                                     .access_token = Secret::copy_of("first-access")};
    return run_task(io, vault.seal(context(), services::grant_text(grant))).value();
  }
  store::EgressClient read() {
    auto list = run_task(io, store::list_egress_clients(*db, "host-1"));
    return std::move(list.value().at(0));
  }
  services::OAuthGrant stored() {
    auto text =
        run_task(io, vault.open(context(), read().agents.at(0).credentials.at(0).sealed_grant));
    return std::move(services::read_grant(text.value()).value());
  }
  RenewedMessage message(const store::EgressClient& known, std::string_view refresh_token) const {
    return {.agent = agent,
            .credential = "mail",
            .grant_name = grant_name(known.agents.at(0).credentials.at(0).sealed_grant),
            .lifetime = 3600,
            .access_token = Secret::copy_of("second-access"),
            .refresh_token = Secret::copy_of(refresh_token)};
  }
  Task<void> keep(const store::EgressClient& known, RenewedMessage what) {
    return keeper->keep(known, known.agents.at(0).credentials.at(0), std::move(what));
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  boost::asio::io_context io;
  ManualClock clock;
  vault::InMemoryVault vault;
  std::unique_ptr<db::Database> db;
  std::unique_ptr<GrantKeeper> keeper;
};

TEST_F(GrantKeeperTest, SealsTheNewTokensTogetherAndRemembersTheOldOne) {
  const auto known = read();
  run_task(io, keep(known, message(known, "second-refresh")));
  const auto grant = stored();
  EXPECT_EQ(grant.access_token.expose_text(), "second-access");
  EXPECT_EQ(grant.previous_token.expose_text(), "first-access");
  EXPECT_EQ(grant.refresh_token.expose_text(), "second-refresh");
  EXPECT_EQ(grant.client_secret.expose_text(), "client-secret");
  const auto now = read();
  EXPECT_EQ(now.agents[0].credentials[0].expires_at, clock.now() + std::chrono::hours(1));
  EXPECT_NE(grant_name(now.agents[0].credentials[0].sealed_grant),
            grant_name(known.agents[0].credentials[0].sealed_grant));
  EXPECT_THAT(Postgres::shared().run("select string_agg(c::text, '') from agent_credentials c"),
              Not(HasSubstr("second-")));
}

TEST_F(GrantKeeperTest, WithoutANewRefreshTokenTheOldOneStays) {
  const auto known = read();
  run_task(io, keep(known, message(known, "")));
  EXPECT_EQ(stored().refresh_token.expose_text(), "first-refresh");
  EXPECT_EQ(stored().access_token.expose_text(), "second-access");
}

TEST_F(GrantKeeperTest, WhatACustomerWroteMeanwhileWins) {
  const auto known = read();
  Postgres::shared().run("update agent_credentials set oauth = '" +
                         boost::json::serialize(sealed("customers-refresh")) + "'");
  run_task(io, keep(known, message(known, "second-refresh")));
  EXPECT_EQ(stored().refresh_token.expose_text(), "customers-refresh");
  EXPECT_EQ(stored().access_token.expose_text(), "first-access");
}

TEST_F(GrantKeeperTest, AMessageAboutAnotherGrantChangesNothing) {
  const auto known = read();
  auto other = message(known, "second-refresh");
  other.grant_name = "another";
  run_task(io, keep(known, std::move(other)));
  EXPECT_EQ(stored().refresh_token.expose_text(), "first-refresh");
}

// The refresh token in the message may be the only one that is still good.
TEST_F(GrantKeeperTest, TriesAgainWhileTheVaultIsAway) {
  const auto known = read();
  vault.set_down(true);
  bool ended = false;
  boost::asio::co_spawn(io, keep(known, message(known, "second-refresh")),
                        [&](std::exception_ptr) { ended = true; });
  net::testing::run_until(io, [n = 0]() mutable { return ++n > 20; });
  EXPECT_FALSE(ended);
  // The same once more, while the first is on its way: dropped.
  run_task(io, keep(known, message(known, "another-refresh")));
  vault.set_down(false);
  EXPECT_TRUE(net::testing::run_until(io, [&] { return ended; }));
  EXPECT_EQ(stored().refresh_token.expose_text(), "second-refresh");
}

}  // namespace
}  // namespace deployclaw::egress
