#include "api/server.hpp"

#include <gtest/gtest.h>

#include "api/housekeeping.hpp"
#include "api/testing/fixture.hpp"
#include "net/http_client.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using testing::Answer;
using testing::Client;
using testing::Fixture;

net::ClientResponse internal(Fixture& api, std::string target) {
  net::ClientRequest request{.method = http::Method::kGet, .target = std::move(target)};
  const auto endpoint = net::Endpoint::tcp("127.0.0.1", api.server->internal_port());
  auto answer = api.run(net::fetch(endpoint, std::move(request), std::chrono::seconds(10)));
  if (!answer) ADD_FAILURE() << answer.error().message;
  return answer.value_or(net::ClientResponse{});
}

TEST(Server, IsAliveAndReady) {
  Fixture api;
  Client anyone(api);
  EXPECT_EQ(anyone.get("/healthz").status, 200);
  const auto ready = anyone.get("/readyz");
  EXPECT_EQ(ready.status, 200) << ready.text;
  EXPECT_EQ(ready.string_at("status"), "ready");
  EXPECT_EQ(ready.at("checks").as_array().size(), 3U);
  EXPECT_EQ(internal(api, "/readyz").status, 200);
}

TEST(Server, NamesWhatIsNotReady) {
  Fixture api;
  Client anyone(api);
  const auto newest = Fixture::sql("SELECT max(version) FROM deployclaw_migrations");
  Fixture::sql("UPDATE deployclaw_migrations SET version = -version WHERE version = " + newest);
  const auto outdated = anyone.get("/readyz");
  Fixture::sql("UPDATE deployclaw_migrations SET version = -version WHERE version < 0");
  EXPECT_EQ(outdated.status, 503);
  EXPECT_NE(outdated.text.find("deployclaw migrate"), std::string::npos) << outdated.text;
  EXPECT_EQ(anyone.get("/readyz").status, 200);

  api.vault_down = true;
  const auto no_vault = anyone.get("/readyz");
  EXPECT_EQ(no_vault.status, 503);
  const auto& checks = no_vault.at("checks").as_array();
  EXPECT_EQ(checks[0].at("status"), "ok");
  EXPECT_EQ(checks[2].at("name"), "vault");
  EXPECT_EQ(checks[2].at("status"), "failing");
  EXPECT_EQ(no_vault.text.find("secret reason"), std::string::npos) << "internal text";
  EXPECT_EQ(anyone.get("/healthz").status, 200) << "alive all the same";
}

// A lost key file must not silently begin a second history that the restored keys cannot read.
TEST(Server, SealsNothingWhileTheVaultHoldsOtherKeysThanThoseInUse) {
  Fixture api;
  Client ada(api);
  Fixture::sql("INSERT INTO vault_key_versions (version, fingerprint) VALUES (7, 'lost')");
  const auto ready = ada.get("/readyz");
  ada.register_account("ada@example.com");
  const auto refused = ada.post("/api/auth/2fa/setup");
  Fixture::sql("DELETE FROM vault_key_versions WHERE version = 7");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.text.find("master keys"), std::string::npos) << ready.text;
  EXPECT_EQ(refused.status, 503) << refused.text;
  EXPECT_EQ(ada.post("/api/auth/2fa/setup").status, 200) << "heals when the keys are back";
  EXPECT_EQ(ada.get("/readyz").status, 200);
}

TEST(Server, ShowsMetricsToTheInsideAlone) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  EXPECT_EQ(ada.get("/metrics").status, 404);
  const auto metrics = internal(api, "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("deployclaw_http_requests_total{method=\"POST\","
                              "route=\"/api/auth/register\",status=\"201\"} 1"),
            std::string::npos)
      << metrics.body;
  EXPECT_EQ(metrics.body.find("ada@example.com"), std::string::npos);
  EXPECT_EQ(internal(api, "/api/auth/session").status, 404);
}

TEST(Server, PutsSecurityFieldsOnEveryAnswer) {
  Fixture api;
  Client anyone(api);
  for (const char* path : {"/api/auth/session", "/api/nothing", "/healthz"}) {
    const auto answer = anyone.get(path);
    EXPECT_EQ(answer.headers.get("x-content-type-options"), "nosniff") << path;
    EXPECT_EQ(answer.headers.get("x-frame-options"), "DENY") << path;
    EXPECT_TRUE(answer.headers.get("content-security-policy")->starts_with("default-src 'none'"));
    EXPECT_TRUE(answer.headers.get("x-request-id")) << path;
    EXPECT_FALSE(answer.headers.get("strict-transport-security")) << path;
  }
  EXPECT_EQ(anyone.get("/api/auth/session").headers.get("cache-control"), "no-store");
  api.server->services().config.public_origin = "https://console.example.com";
  EXPECT_TRUE(anyone.get("/healthz").headers.get("strict-transport-security"));
}

TEST(Server, AnswersWhatItDoesNotHaveWithProblems) {
  Fixture api;
  Client anyone(api);
  const auto missing = anyone.get("/api/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.get("content-type"), "application/problem+json");
  EXPECT_EQ(missing.string_at("type"), "/problems/not_found");
  EXPECT_EQ(missing.string_at("requestId"), missing.headers.get("x-request-id"));
  const auto method = anyone.get("/api/auth/login");
  EXPECT_EQ(method.status, 405);
  EXPECT_NE(method.headers.get("allow")->find("POST"), std::string::npos);
}

TEST(Server, WithoutTheDatabaseIsAliveButUnavailable) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  db::testing::Postgres::shared().kill();
  EXPECT_EQ(ada.get("/healthz").status, 200);
  const auto ready = ada.get("/readyz");
  EXPECT_EQ(ready.status, 503);
  const auto session = ada.get("/api/auth/session");
  EXPECT_EQ(session.status, 503);
  EXPECT_EQ(session.headers.get("content-type"), "application/problem+json");
  db::testing::Postgres::shared().start();
  int status = 0;
  for (int i = 0; i < 100 && status != 200; ++i) {
    api.run(sleep_for(std::chrono::milliseconds(100)));
    status = ada.get("/readyz").status;
  }
  EXPECT_EQ(status, 200) << "it comes back by itself";
  // The test cluster does not sync to disk, so the crash may have taken the session with it.
  EXPECT_NE(ada.get("/api/auth/session").status, 503);
}

TEST(Housekeeping, DropsExpiredSessionsAndOldAttempts) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  ada.verify("000000");
  Client second(api);
  second.login("ada@example.com");
  Fixture::sql(
      "UPDATE sessions SET expires_at = now() - interval '1 second' "
      "WHERE level = 'password'");
  Fixture::sql("UPDATE auth.attempts SET at = at - interval '25 hours'");
  ASSERT_TRUE(api.run(expire_sessions(api.server->services())));
  EXPECT_EQ(Fixture::sql("SELECT string_agg(level, ' ') FROM sessions"), "full");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM auth.attempts"), "0");
}

Task<Result<json::object>> status_of(std::string check) {
  co_return json::object{{"versions", json::array{json::object{{"version", 1}, {"check", check}}}}};
}

TEST(Housekeeping, NotesTheVaultsKeysAndSeesThatOneWasReplaced) {
  Fixture api;
  auto& services = api.server->services();
  const VaultStatus honest = [] { return status_of("aa11"); };
  const VaultStatus replaced = [] { return status_of("bb22"); };
  ASSERT_TRUE(api.run(record_vault_keys(services, honest)));
  ASSERT_TRUE(api.run(record_vault_keys(services, honest)));
  EXPECT_EQ(Fixture::sql("SELECT version || ' ' || fingerprint FROM vault_key_versions"), "1 aa11");
  const auto refused = api.run(record_vault_keys(services, replaced));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace deployclaw::api
