#include <gtest/gtest.h>

#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

using testing::Answer;
using testing::Client;
using testing::Fixture;

void pass_the_window() { Fixture::sql("UPDATE auth.attempts SET at = at - interval '15 minutes'"); }

TEST(Login, AsksForTheSecondFactor) {
  Fixture api;
  Client ada(api);
  ASSERT_EQ(ada.register_account("ada@example.com").status, 201);
  Client fresh(api);
  const auto setup = fresh.login("Ada@example.com ");
  ASSERT_EQ(setup.status, 200) << setup.text;
  EXPECT_EQ(setup.string_at("twoFactor"), "setup");

  ada.set_up();
  ASSERT_EQ(ada.verify(ada.code()).status, 200);
  const auto required = fresh.login("ada@example.com");
  EXPECT_EQ(required.string_at("twoFactor"), "required");
  EXPECT_EQ(fresh.get("/api/auth/session").string_at("level"), "password");
}

// The answers differ in nothing but the request id, which is random for both.
TEST(Login, TellsNothingAboutWhetherTheAccountExists) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client guest(api);
  auto wrong = guest.login("ada@example.com", "not the password");
  auto unknown = guest.login("bob@example.com", "not the password");
  auto no_address = guest.login("not an address", "not the password");
  ASSERT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "invalid_credentials");
  for (auto* answer : {&unknown, &no_address}) {
    EXPECT_EQ(answer->status, wrong.status);
    EXPECT_EQ(answer->text.size(), wrong.text.size());
    EXPECT_EQ(answer->headers.all().size(), wrong.headers.all().size());
    answer->body.as_object().erase("requestId");
  }
  wrong.body.as_object().erase("requestId");
  EXPECT_EQ(unknown.body, wrong.body);
  EXPECT_EQ(no_address.body, wrong.body);
  EXPECT_TRUE(guest.cookie.empty());
}

// With no room in the hashing queue an unknown account is answered like a known one: so both go
// through it.
TEST(Login, HashesForUnknownAccountsToo) {
  auto config = Fixture::test_config();
  Fixture api(config);
  Client ada(api);
  ada.sign_up("ada@example.com");
  api.server->services().config.max_queued_hashes = 0;
  Client guest(api);
  for (int i = 0; i < 7; ++i) {
    const auto known = guest.login("ada@example.com");
    EXPECT_EQ(known.status, 503);
    EXPECT_EQ(known.code(), "busy");
    EXPECT_TRUE(known.headers.get("retry-after"));
    EXPECT_EQ(guest.login("bob@example.com").status, 503);
  }
  api.server->services().config.max_queued_hashes = 32;
  EXPECT_EQ(guest.login("ada@example.com").status, 200) << "overload must cost no attempt";
}

TEST(Login, IsLimitedPerAccountFromWhereverTheAttemptsCome) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 1; i <= 5; ++i) {
    Client guest(api, "198.51.100." + std::to_string(i));
    EXPECT_EQ(guest.login("ADA@example.com", "wrong password").status, 401);
  }
  Client guest(api, "203.0.113.1");
  EXPECT_EQ(guest.login("ada@example.com").status, 429) << "also with the right password";
  EXPECT_EQ(guest.login("bob@example.com").status, 401);
  pass_the_window();
  EXPECT_EQ(guest.login("ada@example.com").status, 200);
}

TEST(Login, OfTheOwnerSurvivesAStrangersFailures) {
  Fixture api;
  Client ada(api, "2001:db8:0:1::1");
  ada.sign_up("ada@example.com");
  for (int i = 1; i <= 6; ++i) {
    Client stranger(api, "198.51.100." + std::to_string(i));
    EXPECT_EQ(stranger.login("ada@example.com", "wrong password").status, i <= 5 ? 401 : 429);
  }
  ada.ip = "2001:db8:0:1::2";  // her network, as it gives out addresses
  EXPECT_EQ(ada.login("ada@example.com").status, 200);
  EXPECT_EQ(ada.verify(ada.next_code()).status, 200);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(ada.login("ada@example.com", "wrong password").status, 401);
  }
  EXPECT_EQ(ada.login("ada@example.com").status, 429) << "her own failures count";
}

TEST(Login, LimitsUnknownAccountsAlike) {
  Fixture api;
  for (int i = 1; i <= 5; ++i) {
    Client guest(api, "198.51.100." + std::to_string(i));
    EXPECT_EQ(guest.login("nobody@example.com").status, 401);
  }
  Client guest(api, "203.0.113.1");
  EXPECT_EQ(guest.login("nobody@example.com").status, 429);
}

TEST(Login, IsLimitedPerSourceWhateverTheAccounts) {
  Fixture api;
  Client guest(api, "198.51.100.7");
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(guest.login("user" + std::to_string(i) + "@example.com").status, 401);
  }
  EXPECT_EQ(guest.login("user6@example.com").status, 429);
}

TEST(Login, CountsAnIpv6NetworkAsOneSource) {
  Fixture api;
  for (int i = 1; i <= 5; ++i) {
    Client guest(api, "2001:db8:0:1::" + std::to_string(i));
    EXPECT_EQ(guest.login("user" + std::to_string(i) + "@example.com").status, 401);
  }
  Client same(api, "2001:db8:0:1:ffff::");
  EXPECT_EQ(same.login("user6@example.com").status, 429);
  Client other(api, "2001:db8:0:2::1");
  EXPECT_EQ(other.login("user6@example.com").status, 401);
}

TEST(Login, BelievesNoForwardedAddressOfAStranger) {
  auto config = Fixture::test_config();
  config.trusted_proxies = {};
  Fixture api(config);
  for (int i = 1; i <= 5; ++i) {
    Client guest(api, "198.51.100." + std::to_string(i));
    EXPECT_EQ(guest.login("user" + std::to_string(i) + "@example.com").status, 401);
  }
  Client guest(api, "198.51.100.99");
  EXPECT_EQ(guest.login("user99@example.com").status, 429);
}

TEST(Login, AtOnceCannotSlipThroughTheLimit) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client guest(api, "198.51.100.7");
  int decided = 0;
  for (const auto& answer :
       guest.send_at_once(20, http::Method::kPost, "/api/auth/login",
                          {{"email", "ada@example.com"}, {"password", "wrong password"}})) {
    decided += answer.status == 401 ? 1 : 0;
  }
  EXPECT_LE(decided, 5);
}

TEST(Login, SuccessCostsNoAttempt) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 0; i < 8; ++i) EXPECT_EQ(ada.login("ada@example.com").status, 200);
}

TEST(Login, NeverAdoptsASessionItDidNotMakeAndEndsTheOneItFinds) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto old = ada.cookie;
  Client victim(api);
  victim.cookie = std::string(43, 'A');  // planted by an attacker
  ASSERT_EQ(victim.login("ada@example.com").status, 200);
  EXPECT_NE(victim.cookie, std::string(43, 'A'));

  ASSERT_EQ(ada.login("ada@example.com").status, 200);
  EXPECT_NE(ada.cookie, old);
  Client stale(api);
  stale.cookie = old;
  EXPECT_EQ(stale.get("/api/auth/session").status, 401);
}

TEST(Login, FromAnotherSiteIsRefused) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto status = [&api](Client::Fields extra) {
    Client guest(api);
    return guest
        .post("/api/auth/login", {{"email", "ada@example.com"}, {"password", Client::kPassword}},
              std::move(extra))
        .status;
  };
  EXPECT_EQ(status({{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", "same-site"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", ""}, {"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", ""}, {"Origin", "null"}}), 403);
  EXPECT_EQ(status({{"Sec-Fetch-Site", ""}}), 200) << "a program that is no browser";
}

TEST(Login, RecordsSuccessAndFailure) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client guest(api, "198.51.100.7");
  guest.login("ada@example.com", "wrong password");
  guest.login("ada@example.com");
  api.settle();
  EXPECT_EQ(Fixture::sql("SELECT outcome || ' ' || host(ip_address) || ' ' || target FROM "
                         "audit_logs WHERE action_type = 'login_failed'"),
            "failure 198.51.100.7 " + ada.user_id);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = 'user_login'"), "1");
}

}  // namespace
}  // namespace deployclaw::api
