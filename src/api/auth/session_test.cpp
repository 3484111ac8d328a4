#include <gtest/gtest.h>

#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

namespace json = boost::json;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Client;
using testing::Fixture;

int session_status(Client& client) { return client.get("/api/auth/session").status; }

TEST(Session, IsNeededAndMustBeReal) {
  Fixture api;
  Client nobody(api);
  EXPECT_EQ(session_status(nobody), 401);
  nobody.cookie = std::string(43, 'A');
  EXPECT_EQ(session_status(nobody), 401);
  nobody.cookie = "' OR true --";
  EXPECT_EQ(session_status(nobody), 401);
}

TEST(Session, TellsTheCsrfTokenThatWritesNeed) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto token = ada.get("/api/auth/session").string_at("csrfToken");
  EXPECT_EQ(ada.post("/api/auth/logout", json::object(), {{"X-CSRF-Token", ""}}).code(),
            "csrf_refused");
  EXPECT_EQ(ada.post("/api/auth/logout", json::object(), {{"X-CSRF-Token", token + "x"}}).status,
            403);
  EXPECT_EQ(ada.post("/api/auth/logout", json::object(), {{"X-CSRF-Token", token}}).status, 204);
}

TEST(Session, EndsWhenIdleForHalfAnHour) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 0; i < 3; ++i) {
    api.clock.advance(minutes(29));
    EXPECT_EQ(session_status(ada), 200);
    api.settle();
  }
  api.clock.advance(minutes(30));
  EXPECT_EQ(session_status(ada), 401);
}

TEST(Session, EndsTwelveHoursAfterSignInHoweverBusy) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 0; i < 35; ++i) {
    api.clock.advance(minutes(20));
    ASSERT_EQ(session_status(ada), 200) << i;
    api.settle();
    if (i % 10 == 9) ada.step_up();
  }
  api.clock.advance(minutes(20));
  EXPECT_EQ(session_status(ada), 401);
}

TEST(Session, OfTheFirstFactorAloneLivesFifteenMinutes) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  api.clock.advance(minutes(14));
  EXPECT_EQ(session_status(ada), 200);
  api.settle();
  api.clock.advance(minutes(1));
  EXPECT_EQ(session_status(ada), 401);
}

TEST(Session, ByTheDatabasesClockEndsToo) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Fixture::sql("UPDATE sessions SET last_seen_at = now() - interval '31 minutes'");
  EXPECT_EQ(session_status(ada), 401);
  Fixture::sql("UPDATE sessions SET last_seen_at = now(), expires_at = now()");
  EXPECT_EQ(session_status(ada), 401);
}

TEST(Session, IsTouchedAtMostOnceAMinute) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const char* const kSeen = "SELECT last_seen_at FROM sessions";
  const auto before = Fixture::sql(kSeen);
  api.clock.advance(seconds(50));
  session_status(ada);
  api.settle();
  EXPECT_EQ(Fixture::sql(kSeen), before);
  api.clock.advance(seconds(10));
  session_status(ada);
  api.settle();
  EXPECT_NE(Fixture::sql(kSeen), before);
}

TEST(Session, StopsBeingFreshAfterTenMinutes) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  api.clock.advance(minutes(10));
  EXPECT_TRUE(ada.get("/api/auth/session").at("fresh").as_bool());
  api.clock.advance(seconds(1));
  EXPECT_FALSE(ada.get("/api/auth/session").at("fresh").as_bool());
  const auto refused =
      ada.post("/api/auth/password", {{"current", Client::kPassword}, {"next", "a new password!"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "two_factor_required");
  EXPECT_EQ(refused.at("maxAge").as_int64(), 600);
  ada.step_up();
  EXPECT_TRUE(ada.get("/api/auth/session").at("fresh").as_bool());
}

TEST(Session, IsGoneAfterLogout) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto cookie = ada.cookie;
  const auto answer = ada.post("/api/auth/logout");
  EXPECT_EQ(answer.status, 204);
  EXPECT_TRUE(ada.cookie.empty());
  ada.cookie = cookie;
  EXPECT_EQ(session_status(ada), 401);
}

TEST(Session, ShowsAChangedRoleAtOnce) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Fixture::sql("UPDATE users SET role = 'viewer'");
  EXPECT_EQ(ada.get("/api/auth/session").string_at("user", "role"), "viewer");
}

TEST(Sessions, AreListedAndEndedByTheirUserAlone) {
  Fixture api;
  Client ada(api, "198.51.100.7");
  ada.sign_up("ada@example.com");
  Client phone(api, "198.51.100.8");
  phone.totp_secret = ada.totp_secret;
  phone.post("/api/auth/login", {{"email", "ada@example.com"}, {"password", Client::kPassword}},
             {{"User-Agent", "Phone \xf0\x9f\x93\xb1"}});
  Client bob(api);
  bob.sign_up("bob@example.com");

  const auto list = ada.get("/api/auth/sessions");
  ASSERT_EQ(list.status, 200) << list.text;
  const auto& items = list.at("items").as_array();
  ASSERT_EQ(items.size(), 2U);
  std::string phone_id;
  for (const auto& item : items) {
    const auto& session = item.as_object();
    if (session.at("current").as_bool()) {
      EXPECT_EQ(session.at("ip"), "198.51.100.7");
    } else {
      EXPECT_EQ(session.at("device"), "Phone ????");
      EXPECT_EQ(session.at("level"), "password");
      phone_id = session.at("id").as_string();
    }
  }
  EXPECT_EQ(bob.del("/api/auth/sessions/" + phone_id).status, 404);
  EXPECT_EQ(session_status(phone), 200);
  EXPECT_EQ(ada.del("/api/auth/sessions/" + phone_id).status, 204);
  EXPECT_EQ(session_status(phone), 401);
  EXPECT_EQ(ada.del("/api/auth/sessions/" + phone_id).status, 404);
  EXPECT_EQ(ada.del("/api/auth/sessions/not-an-id").status, 404);
}

TEST(Sessions, AllOthersEndTogether) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client second(api);
  Client third(api);
  second.login("ada@example.com");
  third.login("ada@example.com");
  Client bob(api);
  bob.sign_up("bob@example.com");
  EXPECT_EQ(ada.del("/api/auth/sessions").status, 204);
  EXPECT_EQ(session_status(second), 401);
  EXPECT_EQ(session_status(third), 401);
  EXPECT_EQ(session_status(ada), 200);
  EXPECT_EQ(session_status(bob), 200);
}

TEST(Sessions, TakeBothFactors) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client thief(api);
  thief.login("ada@example.com");
  EXPECT_EQ(thief.get("/api/auth/sessions").status, 403);
  EXPECT_EQ(thief.del("/api/auth/sessions").status, 403);
  EXPECT_EQ(session_status(ada), 200);
}

TEST(Password, ChangesAndEndsOtherSessions) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client other(api);
  other.login("ada@example.com");
  const auto change = [&ada](std::string current, std::string next) {
    return ada.post("/api/auth/password", {{"current", current}, {"next", next}}).status;
  };
  EXPECT_EQ(change("wrong password", "a new password!"), 401);
  EXPECT_EQ(change(Client::kPassword, "too short"), 422);
  EXPECT_EQ(change(Client::kPassword, Client::kPassword), 422);
  EXPECT_EQ(change(Client::kPassword, "a new password!"), 204);
  EXPECT_EQ(session_status(other), 401);
  EXPECT_EQ(session_status(ada), 200);
  EXPECT_EQ(other.login("ada@example.com").status, 401);
  EXPECT_EQ(other.login("ada@example.com", "a new password!").status, 200);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'password_changed'"),
            "1");
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs a WHERE a::text LIKE '%password!%'"),
            "0");
}

TEST(Password, GuessesAreLimited) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        ada.post("/api/auth/password", {{"current", "wrong password"}, {"next", "a new password!"}})
            .status,
        401);
  }
  EXPECT_EQ(
      ada.post("/api/auth/password", {{"current", Client::kPassword}, {"next", "a new password!"}})
          .status,
      429);
}

}  // namespace
}  // namespace deployclaw::api
