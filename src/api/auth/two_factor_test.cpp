#include <gtest/gtest.h>

#include <algorithm>

#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Answer;
using testing::Client;
using testing::Fixture;

TEST(TwoFactorSetup, ShowsASecretThatIsStoredSealed) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  const auto answer = ada.set_up();
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(ada.totp_secret.size(), 32U);
  EXPECT_TRUE(answer.string_at("otpauthUrl").starts_with("otpauth://totp/DeployClaw:"));
  EXPECT_TRUE(answer.string_at("qrSvg").starts_with("<svg"));
  const auto stored = Fixture::sql("SELECT totp_secret FROM users");
  EXPECT_NE(stored.find("ciphertext"), std::string::npos);
  EXPECT_EQ(stored.find(ada.totp_secret), std::string::npos);
}

TEST(TwoFactorSetup, UntilProvenGivesWayToTheNext) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  ada.set_up();
  const auto first = ada.code();
  ada.set_up();
  EXPECT_EQ(ada.verify(first).status, 401);
  EXPECT_EQ(ada.verify(ada.code()).status, 200);
}

TEST(TwoFactorSetup, OfAnEnabledFactorTakesAFreshSession) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  // Who stole the password has a first-factor session and no more.
  Client thief(api);
  ASSERT_EQ(thief.login("ada@example.com").status, 200);
  const auto refused = thief.set_up();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "two_factor_required");
  EXPECT_EQ(refused.at("maxAge").as_int64(), 600);
  // A stale full session is not enough either.
  api.clock.advance(minutes(11));
  EXPECT_EQ(ada.set_up().status, 403);
  EXPECT_EQ(Fixture::sql("SELECT totp_pending_secret IS NULL FROM users"), "t");
}

TEST(TwoFactorSetup, KeepsTheOldSecretInForceUntilTheNewOneIsProven) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client other(api);
  other.totp_secret = ada.totp_secret;
  other.login("ada@example.com");
  ASSERT_EQ(other.verify(other.next_code()).status, 200);

  Client old(api);
  old.totp_secret = ada.totp_secret;
  old.cookie = ada.cookie;
  ASSERT_EQ(ada.set_up().status, 200);
  ASSERT_NE(ada.totp_secret, old.totp_secret);
  ASSERT_EQ(old.verify(old.next_code()).status, 200) << "the old one still steps up";
  ada.cookie = old.cookie;
  const auto code = ada.code();
  ASSERT_EQ(ada.verify(code).status, 200) << "the new one replaces it, even in the same step";
  EXPECT_EQ(ada.verify(code).status, 401) << "and its code works once";
  old.cookie = ada.cookie;
  EXPECT_EQ(old.verify(old.next_code()).status, 401) << "the old one is gone";
  EXPECT_EQ(ada.verify(ada.code()).status, 200);
  EXPECT_EQ(other.get("/api/auth/session").status, 401) << "other sessions end";
}

TEST(TwoFactorSetup, ANewSecretCannotBeProvenFromAStaleSession) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  ASSERT_EQ(ada.set_up().status, 200);
  api.clock.advance(minutes(11));
  EXPECT_EQ(ada.verify(ada.code()).status, 401);
}

TEST(TwoFactorSetup, FailsClosedWithoutTheVault) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  api.vault.set_down(true);
  EXPECT_EQ(ada.set_up().status, 503);
  EXPECT_EQ(Fixture::sql("SELECT totp_secret IS NULL FROM users"), "t");
}

TEST(TwoFactorVerify, EnrolmentMakesTheSessionFullAndFresh) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto session = ada.get("/api/auth/session");
  EXPECT_EQ(session.string_at("level"), "full");
  EXPECT_TRUE(session.at("fresh").as_bool());
  EXPECT_TRUE(session.at("user", "twoFactorEnabled").as_bool());
  EXPECT_EQ(ada.recovery_codes.size(), 10U);
  const auto later = ada.verify(ada.next_code());
  EXPECT_EQ(later.status, 200);
  EXPECT_FALSE(later.body.as_object().contains("recoveryCodes"));
}

TEST(TwoFactorVerify, AcceptsACodeOnceOnly) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  ada.set_up();
  const auto code = ada.code();
  ASSERT_EQ(ada.verify(code).status, 200);
  EXPECT_EQ(ada.verify(code).code(), "invalid_code") << "step-up after enrolment";
  Client again(api);
  again.login("ada@example.com");
  EXPECT_EQ(again.verify(code).status, 401) << "login after enrolment";
  const auto next = ada.next_code();
  ASSERT_EQ(again.verify(next).status, 200);
  EXPECT_EQ(ada.verify(next).status, 401) << "step-up after login";
}

TEST(TwoFactorVerify, OfOneCodeAtOnceSucceedsOnce) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  ada.set_up();
  const auto enrolled =
      ada.send_at_once(5, http::Method::kPost, "/api/auth/2fa/verify", {{"code", ada.code()}});
  EXPECT_EQ(std::ranges::count(enrolled, 200, &Answer::status), 1);

  // Two sessions of one user, one code.
  Client first(api);
  Client second(api);
  first.login("ada@example.com");
  second.login("ada@example.com");
  Fixture::sql("DELETE FROM auth.attempts");
  const auto code = ada.next_code();
  const auto one =
      first.send_at_once(4, http::Method::kPost, "/api/auth/2fa/verify", {{"code", code}});
  EXPECT_EQ(std::ranges::count(one, 200, &Answer::status), 1);
  EXPECT_EQ(second.verify(code).status, 401);
}

// Each has a session of its own, so nothing but the update of the last step decides.
TEST(TwoFactorVerify, OfOneCodeInManySessionsAtOnceSucceedsOnce) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  std::vector<Client> sessions;
  for (int i = 1; i <= 5; ++i) {
    sessions.emplace_back(api, "198.51.100." + std::to_string(i));
    ASSERT_EQ(sessions.back().login("ada@example.com").status, 200);
  }
  const auto code = ada.next_code();
  std::vector<Task<Result<net::ClientResponse>>> tasks;
  for (const auto& session : sessions) {
    tasks.push_back(session.post_later("/api/auth/2fa/verify", {{"code", code}}));
  }
  int accepted = 0;
  for (const auto& answer : api.run_all(std::move(tasks))) {
    ASSERT_TRUE(answer);
    accepted += answer->status == 200 ? 1 : 0;
  }
  EXPECT_EQ(accepted, 1);
}

TEST(TwoFactorVerify, AcceptsTheNeighbouringStepsAndNoOthers) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto code = ada.next_code();
  api.clock.advance(seconds(30));
  EXPECT_EQ(ada.verify(code).status, 200);
  const auto old = ada.next_code();
  api.clock.advance(seconds(60));
  EXPECT_EQ(ada.verify(old).status, 401);
}

TEST(TwoFactorVerify, RefusesWhatIsNoCode) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (const auto& body : std::vector<boost::json::value>{boost::json::object{},
                                                          {{"code", 123456}},
                                                          {{"code", ""}},
                                                          {{"code", "123456"}, {"level", "full"}},
                                                          {{"code", std::string(65, '1')}}}) {
    EXPECT_EQ(ada.post("/api/auth/2fa/verify", body).status, 422);
  }
  EXPECT_EQ(ada.verify("12345").status, 401);
  EXPECT_EQ(ada.verify(" " + ada.next_code()).status, 401);
}

TEST(TwoFactorVerify, WithoutASecretSaysSo) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  const auto answer = ada.verify("123456");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.code(), "two_factor_not_set_up");
}

TEST(TwoFactorVerify, IsLimitedPerAccountOverAllSessions) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  for (int i = 1; i <= 5; ++i) {
    Client thief(api, "198.51.100." + std::to_string(i));
    ASSERT_EQ(thief.login("ada@example.com").status, 200);
    EXPECT_EQ(thief.verify("00000" + std::to_string(i)).status, 401);
  }
  const auto refused = ada.verify(ada.next_code());
  EXPECT_EQ(refused.status, 429) << "also the right code";
  EXPECT_TRUE(refused.headers.get("retry-after"));
  EXPECT_EQ(ada.get("/api/auth/session").status, 200) << "a session that is there goes on";
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM audit_logs WHERE action_type = "
                         "'two_factor_failed' AND outcome = 'failure'"),
            "5");
}

TEST(TwoFactorVerify, IsLimitedPerSourceWhateverTheAccounts) {
  Fixture api;
  for (int i = 1; i <= 5; ++i) {
    Client user(api, "198.51.100." + std::to_string(i));
    user.sign_up("user" + std::to_string(i) + "@example.com");
    user.ip = "203.0.113.7";
    EXPECT_EQ(user.verify("000000").status, 401);
  }
  Client last(api, "198.51.100.6");
  last.sign_up("user6@example.com");
  last.ip = "203.0.113.7";
  EXPECT_EQ(last.verify(last.next_code()).status, 429);
}

TEST(TwoFactorVerify, TroubleOfOursCostsNoAttempt) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  api.vault.set_down(true);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(ada.verify("123456").status, 503);
  api.vault.set_down(false);
  EXPECT_EQ(ada.verify(ada.next_code()).status, 200);
}

TEST(TwoFactorVerify, RotatesTheSessionEachTime) {
  Fixture api;
  Client ada(api);
  ada.register_account("ada@example.com");
  ada.set_up();
  const auto first = ada.cookie;
  ada.verify(ada.code());
  const auto second = ada.cookie;
  ada.step_up();
  for (const auto& old : {first, second}) {
    Client stale(api);
    stale.cookie = old;
    EXPECT_NE(old, ada.cookie);
    EXPECT_EQ(stale.get("/api/auth/session").status, 401);
  }
}

TEST(TwoFactorVerify, AtStepUpDoesNotMoveTheAbsoluteEnd) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto end = ada.get("/api/auth/session").string_at("expiresAt");
  api.clock.advance(minutes(20));
  ada.step_up();
  EXPECT_EQ(ada.get("/api/auth/session").string_at("expiresAt"), end);
}

TEST(RecoveryCode, SignsInOnce) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client lost(api);
  lost.login("ada@example.com");
  std::string spelled = ada.recovery_codes[3];
  std::ranges::transform(spelled, spelled.begin(), [](char c) {
    return c == '-' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  ASSERT_EQ(lost.verify(spelled).status, 200);
  EXPECT_EQ(lost.get("/api/auth/session").string_at("level"), "full");
  EXPECT_EQ(lost.set_up().status, 200) << "a lost device can be replaced at once";
  Client again(api);
  again.login("ada@example.com");
  EXPECT_EQ(again.verify(ada.recovery_codes[3]).status, 401);
  EXPECT_EQ(again.verify(ada.recovery_codes[4]).status, 200);
}

TEST(RecoveryCode, DoesNotStepUp) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  EXPECT_EQ(ada.verify(ada.recovery_codes[0]).status, 401);
  EXPECT_EQ(Fixture::sql("SELECT count(*) FROM recovery_codes WHERE used_at IS NULL"), "10");
}

TEST(RecoveryCode, OfAnotherUserIsWorthNothing) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client bob(api);
  bob.sign_up("bob@example.com");
  Client thief(api);
  thief.login("bob@example.com");
  EXPECT_EQ(thief.verify(ada.recovery_codes[0]).status, 401);
}

TEST(RecoveryCode, AtOnceSignsInOnce) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  Client lost(api);
  lost.login("ada@example.com");
  const auto answers = lost.send_at_once(4, http::Method::kPost, "/api/auth/2fa/verify",
                                         {{"code", ada.recovery_codes[0]}});
  EXPECT_EQ(std::ranges::count(answers, 200, &Answer::status), 1);
}

TEST(RecoveryCode, RenewedFromAFreshSessionReplacesAllOldOnes) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  api.clock.advance(minutes(11));
  EXPECT_EQ(ada.post("/api/auth/recovery-codes").code(), "two_factor_required");
  ada.step_up();
  const auto answer = ada.post("/api/auth/recovery-codes");
  ASSERT_EQ(answer.status, 200) << answer.text;
  const auto& codes = answer.at("recoveryCodes").as_array();
  ASSERT_EQ(codes.size(), 10U);
  Client lost(api);
  lost.login("ada@example.com");
  EXPECT_EQ(lost.verify(ada.recovery_codes[0]).status, 401);
  EXPECT_EQ(lost.verify(std::string(codes[0].as_string())).status, 200);
}

}  // namespace
}  // namespace deployclaw::api
