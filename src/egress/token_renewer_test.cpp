#include "egress/token_renewer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "dns/nameserver.hpp"
#include "egress/testing/renewal_rig.hpp"
#include "net/testing/run_task.hpp"

// Access tokens that are renewed where they are used: what leaves, what comes back, what is told.
namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RenewalRig;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::TlsOrigin;
using testing::WorkerRig;

constexpr const char* kOld = "old-access-token-0123456789";
constexpr const char* kNew = "new-access-token-9876543210";

Time in(std::chrono::seconds from_now) { return SystemClock().now() + from_now; }

std::string token_answer(std::string_view more = "") {
  return TlsOrigin::answer(200, std::string(R"({"access_token":")") + kNew +
                                    R"(","expires_in":3600,"token_type":"Bearer")" +
                                    std::string(more) + "}");
}
std::string error_answer(int status, std::string_view error) {
  return TlsOrigin::answer(status, R"({"error":")" + std::string(error) + "\"}");
}

class RenewalTest : public ::testing::Test {
 protected:
  RenewalTest() {
    test.tokens->answers = [](const std::string&) { return token_answer(); };
  }
  void hold(std::string value, std::optional<Time> expires_at) {
    test.value = std::move(value);
    test.expires_at = expires_at;
    test.configure();
  }
  static json::object problem(const std::string& answer) {
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).as_object();
  }
  static std::string text(const json::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  }
  // Nothing secret in any record.
  void expect_clean_records() {
    test.rig->settle();
    for (const auto& record : test.rig->records()) {
      const std::string all = json::serialize(record.json);
      for (const std::string& secret : {std::string(kOld), std::string(kNew), test.refresh_token,
                                        std::string(RenewalRig::kClientSecret)}) {
        EXPECT_THAT(all, Not(HasSubstr(secret)));
      }
    }
  }

  RenewalRig test;
};

TEST_F(RenewalTest, AGoodTokenIsSentAndNobodyIsAsked) {
  hold(kOld, in(std::chrono::hours(1)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  ASSERT_THAT(test.mail->requests(), SizeIs(1));
  EXPECT_THAT(test.mail->requests()[0], HasSubstr("Authorization: Bearer " + std::string(kOld)));
  EXPECT_EQ(test.tokens->connections(), 0U);
}

TEST_F(RenewalTest, AnExpiredTokenIsRenewedAndOnlyTheNewOneArrives) {
  hold(kOld, in(std::chrono::seconds(-1)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  ASSERT_THAT(test.mail->requests(), SizeIs(1));
  EXPECT_THAT(test.mail->requests()[0], HasSubstr("Authorization: Bearer " + std::string(kNew)));
  ASSERT_THAT(test.tokens->requests(), SizeIs(1));
  EXPECT_THAT(test.tokens->requests()[0], StartsWith("POST /v2/token HTTP/1.1\r\n"));
  EXPECT_THAT(test.tokens->requests()[0],
              EndsWith("\r\n\r\ngrant_type=refresh_token&refresh_token=1%2F%2Fthe-refresh-token"
                       "&client_id=client-id&client_secret=client-secret-0123456789"));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.tokens->requests(), SizeIs(1)) << "the new one is good for an hour";

  const auto told = test.told();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(text(told[0], "target"), test.tokens->authority());
  EXPECT_EQ(text(told[0].at("metadata").as_object(), "credential"), "box");
  EXPECT_EQ(text(told[0].at("metadata").as_object(), "kind"), "granted");
  EXPECT_EQ(text(told[0].at("metadata").as_object(), "host"), "tokens.example.com");
  EXPECT_EQ(text(told[1], "outcome"), "success");
  EXPECT_EQ(told[1].at("metadata").at("status"), 200);
  expect_clean_records();
}

TEST_F(RenewalTest, WithoutATokenOrItsAgeTheFirstUseFetchesOne) {
  for (const char* value : {"", kOld}) {
    hold(value, std::nullopt);
    const auto before = test.tokens->requests().size();
    EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
    EXPECT_EQ(test.tokens->requests().size(), before + 1);
    EXPECT_THAT(test.mail->requests().back(), HasSubstr(kNew));
    test.grant_name = "another";
  }
}

TEST_F(RenewalTest, ARequestWithoutThePlaceholderRenewsNothing) {
  hold(kOld, in(std::chrono::seconds(-1)));
  EXPECT_THAT(test.get("/public", ""), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(test.tokens->connections(), 0U);
}

TEST_F(RenewalTest, ARefusalForGoodRefusesTheRequestAndIsNotRepeated) {
  test.tokens->answers = [](const std::string&) { return error_answer(400, "invalid_grant"); };
  hold(kOld, in(std::chrono::seconds(-1)));
  for (int i = 0; i < 3; ++i) {
    const auto answer = test.get();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
    EXPECT_EQ(text(problem(answer), "code"), "credential_expired");
    EXPECT_EQ(text(problem(answer), "credential"), "box");
    EXPECT_EQ(text(problem(answer), "cause"), "invalid_grant");
  }
  EXPECT_EQ(test.mail->connections(), 0U);
  EXPECT_THAT(test.tokens->requests(), SizeIs(1));
  const auto told = test.told();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(text(told[1], "outcome"), "failure");
  EXPECT_EQ(text(told[1].at("metadata").as_object(), "reason"), "invalid_grant");
  const auto denied = test.rig->told(RecordKind::kEvent);
  EXPECT_EQ(text(denied.json.at("metadata").as_object(), "cause"), "invalid_grant");
  expect_clean_records();
  // Another grant from the customer is tried at once.
  test.tokens->answers = [](const std::string&) { return token_answer(); };
  test.grant_name = "from the customer";
  test.refresh_token = "1//another-refresh-token";
  test.configure();
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.tokens->requests().back(), HasSubstr("another-refresh-token"));
}

struct Trouble {
  const char* name;
  std::string answer;
  const char* cause;
};
class RenewalTroubleTest : public RenewalTest, public ::testing::WithParamInterface<Trouble> {};

TEST_P(RenewalTroubleTest, SendsNothingAndSaysWhy) {
  test.tokens->answers = [](const std::string&) { return GetParam().answer; };
  hold(kOld, in(std::chrono::seconds(-1)));
  const auto answer = test.get();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: "));
  EXPECT_EQ(text(problem(answer), "code"), "credential_expired");
  EXPECT_EQ(text(problem(answer), "cause"), GetParam().cause);
  EXPECT_EQ(test.mail->connections(), 0U);
  EXPECT_THAT(test.tokens->requests(), SizeIs(1));
  EXPECT_THAT(test.renewed, IsEmpty());
  expect_clean_records();
}

INSTANTIATE_TEST_SUITE_P(
    Answers, RenewalTroubleTest,
    ::testing::Values(
        // The control of the redirect: where it leads to would give a token, as everything else
        // here.
        Trouble{"redirect",
                TlsOrigin::answer(302, "", "Location: https://mail.example.com/stolen\r\n"),
                "redirected"},
        Trouble{"redirect_that_keeps_the_method",
                TlsOrigin::answer(307, R"({"access_token":"stolen-token-0123"})",
                                  "Location: https://mail.example.com/stolen\r\n"),
                "redirected"},
        Trouble{"down", TlsOrigin::answer(500, "oops"), "status_500"},
        Trouble{"page", TlsOrigin::answer(200, "<html>"), "answer_malformed"},
        Trouble{"no_http", "SSH-2.0-x\r\n\r\n", "answer_malformed"},
        Trouble{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "upstream_failed"},
        Trouble{"endless", TlsOrigin::answer(200, std::string(70'000, ' ')), "answer_too_large"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(RenewalOfStrangers, AnEndpointWhoseCertificateDoesNotVerifyGetsNothing) {
  RenewalRig test(false);
  test.value = kOld;
  test.expires_at = in(std::chrono::seconds(-1));
  test.configure();
  EXPECT_THAT(test.get(), HasSubstr("upstream_certificate"));
  EXPECT_GE(test.tokens->connections(), 1U);
  EXPECT_THAT(test.tokens->requests(), IsEmpty());
  EXPECT_EQ(test.mail->connections(), 0U);
}

TEST_F(RenewalTest, ATokenAboutToEndIsRenewedBeforeButUsedWhenThatFails) {
  hold(kOld, in(std::chrono::seconds(50)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.mail->requests().back(), HasSubstr(kNew));
  test.tokens->answers = [](const std::string&) { return error_answer(400, "invalid_grant"); };
  test.grant_name = "another";
  hold(kOld, in(std::chrono::seconds(50)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.mail->requests().back(), HasSubstr(kOld));
}

// One renewal for a request, not one after another.
TEST_F(RenewalTest, ANewTokenThatEndsSoonIsUsedAsItIs) {
  test.tokens->answers = [](const std::string&) {
    return TlsOrigin::answer(200, R"({"access_token":"short-lived-token","expires_in":30})");
  };
  hold(kOld, in(std::chrono::seconds(-1)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.mail->requests().back(), HasSubstr("short-lived-token"));
  EXPECT_THAT(test.tokens->requests(), SizeIs(1));
}

TEST_F(RenewalTest, RequestsAtTheSameTimeShareOneRenewal) {
  hold(kOld, in(std::chrono::seconds(-1)));
  int good = 0;
  for (int i = 0; i < 5; ++i) {
    boost::asio::co_spawn(test.rig->io,
                          test.ask(test.request("/mail", RenewalRig::with_placeholder())),
                          [&](std::exception_ptr, const std::string& answer) {
                            if (answer.starts_with("HTTP/1.1 200 ")) ++good;
                          });
  }
  ASSERT_TRUE(test.rig->until([&] { return good == 5; }));
  EXPECT_THAT(test.tokens->requests(), SizeIs(1));
  for (const auto& request : test.mail->requests()) EXPECT_THAT(request, HasSubstr(kNew));
}

TEST_F(RenewalTest, ARotatedRefreshTokenGoesToTheSupervisorAndIsTheNextOneUsed) {
  test.tokens->answers = [](const std::string&) {
    return token_answer(R"(,"refresh_token":"1//the-second-refresh")");
  };
  hold(kOld, in(std::chrono::seconds(-1)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  ASSERT_THAT(test.renewed, SizeIs(1));
  EXPECT_EQ(test.renewed[0].agent, test.rig->agent);
  EXPECT_EQ(test.renewed[0].credential, "box");
  EXPECT_EQ(test.renewed[0].grant_name, "grant-1");
  EXPECT_EQ(test.renewed[0].lifetime, 3600U);
  EXPECT_EQ(test.renewed[0].refresh_token.expose_text(), "1//the-second-refresh");
  test.expires_at = in(std::chrono::seconds(-1));
  test.configure();
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.tokens->requests().back(), HasSubstr("the-second-refresh"));
}

// The agent's going away must not lose the only refresh token that is still good.
TEST_F(RenewalTest, ARenewalIsFinishedWhoeverHasGone) {
  hold(kOld, in(std::chrono::seconds(-1)));
  test.keeps = false;
  bool asked = false;
  test.tokens->answers = [&](const std::string&) {
    asked = true;
    return token_answer();
  };
  bool ended = false;
  boost::asio::cancellation_signal gone;
  boost::asio::co_spawn(
      test.rig->io, test.ask(test.request("/mail", RenewalRig::with_placeholder())),
      boost::asio::bind_cancellation_slot(
          gone.slot(), [&](std::exception_ptr, const std::string&) { ended = true; }));
  ASSERT_TRUE(test.rig->until([&] { return test.tokens->connections() > 0; }));
  gone.emit(boost::asio::cancellation_type::terminal);
  ASSERT_TRUE(test.rig->until([&] { return ended; }));
  EXPECT_TRUE(test.rig->until([&] { return !test.renewed.empty(); })) << asked;
}

TEST_F(RenewalTest, WhatTheCustomerPutsInMeanwhileWins) {
  test.tokens->answers = [&](const std::string&) {
    test.grant_name = "from the customer";
    test.value = "token-from-the-customer";
    test.expires_at = in(std::chrono::hours(1));
    test.configure();
    return std::string();  // never answered
  };
  hold(kOld, in(std::chrono::seconds(-1)));
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(test.mail->requests().back(), HasSubstr("token-from-the-customer"));
}

TEST_F(RenewalTest, NobodyIsAskedWhileTheAuditLogRefuses) {
  test.rig->set_spool(WorkerRig::Spool::kRefuses);
  hold(kOld, in(std::chrono::seconds(-1)));
  const auto answer = test.get();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(text(problem(answer), "cause"), "audit_unavailable");
  EXPECT_EQ(test.tokens->connections(), 0U);
  EXPECT_EQ(test.mail->connections(), 0U);
}

TEST_F(RenewalTest, AnExpiredValueThatIsNotRenewedIsRefused) {
  test.grant_name = "";
  test.refresh_token = "";
  hold(kOld, in(std::chrono::seconds(-1)));
  const auto answer = test.get();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(text(problem(answer), "cause"), "not_renewed");
  EXPECT_EQ(test.mail->connections(), 0U);
  hold(kOld, std::nullopt);
  EXPECT_THAT(test.get(), StartsWith("HTTP/1.1 200 ")) << "one without an end is good";
}

TEST_F(RenewalTest, NoTokenOfAGrantComesBackInAnAnswer) {
  hold(kOld, in(std::chrono::seconds(-1)));
  test.mail->answers = [&](const std::string& request) {
    // The control: the service got the real one and does show it.
    EXPECT_THAT(request, HasSubstr(kNew));
    return TlsOrigin::answer(200, std::string(kNew) + " " + kOld + " " + test.refresh_token + " " +
                                      RenewalRig::kClientSecret + " end");
  };
  const auto answer = test.get();
  EXPECT_THAT(answer, EndsWith(" end"));
  for (const std::string& secret : {std::string(kNew), std::string(kOld), test.refresh_token,
                                    std::string(RenewalRig::kClientSecret)}) {
    EXPECT_THAT(answer, Not(HasSubstr(secret)));
  }
}

TEST_F(RenewalTest, NoTokenOfAGrantLeavesByTheAgent) {
  test.previous_token = "previous-access-token-000";
  hold(kOld, in(std::chrono::hours(1)));
  for (const std::string& secret : {std::string(kOld), test.refresh_token, test.previous_token,
                                    std::string(RenewalRig::kClientSecret)}) {
    const auto answer = test.get("/mail", "X-Stolen: " + secret + "\r\n");
    EXPECT_THAT(answer, HasSubstr("secret_in_request")) << secret;
  }
  EXPECT_EQ(test.mail->connections(), 0U);
  EXPECT_THAT(test.get("/mail", "X-Stolen: nothing\r\n"), StartsWith("HTTP/1.1 200 "));
}

// Though its allowed domains name it.
TEST_F(RenewalTest, TheAgentItselfDoesNotReachTheTokenEndpoint) {
  hold(kOld, in(std::chrono::hours(1)));
  for (const std::string& authority :
       {test.tokens->authority(), std::string("tokens.example.com:443")}) {
    auto agent = test.rig->connect();
    agent.send("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
    EXPECT_THAT(agent.read_until("}"), StartsWith("HTTP/1.1 403 ")) << authority;
  }
  EXPECT_EQ(test.tokens->connections(), 0U);
}

// The renewer alone, on a clock that the test turns.
class RenewerTest : public ::testing::Test {
 protected:
  RenewerTest() {
    auto audit = make_packet_pair().value();
    spool_ = std::make_unique<PacketChannel>(io.get_executor(), std::move(audit.first));
    trail_ = std::make_unique<AuditTrail>(io.get_executor(), std::move(audit.second));
    dns::ResolverConfig names{.nameservers = {dns::parse_nameserver("127.0.0.1:1").value()}};
    names.pins["tokens.example.com"] = {boost::asio::ip::make_address("127.0.0.1")};
    resolver_ = dns::Resolver::create(io.get_executor(), std::move(names)).value();
    upstreams_ = std::make_unique<Upstreams>(io.get_executor(), timer_, *resolver_, tls_);
    shared_ = std::make_unique<WorkerShared>(WorkerShared{.executor = io.get_executor(),
                                                          .clock = clock,
                                                          .timer = timer_,
                                                          .trail = *trail_,
                                                          .upstreams = *upstreams_,
                                                          .on_used = {}});
    renewer_ =
        std::make_unique<TokenRenewer>(*shared_, [](const RenewedMessage&) { return Status(); });
    tasks_.spawn("trail", trail_->run());
    tasks_.spawn("spool", play_spool());
    hold("grant-1");
  }
  ~RenewerTest() override {
    net::testing::run_task(io, renewer_->stop());
    // Both tasks end by this.
    spool_->close();
    trail_->close();
    net::testing::run_task(io, tasks_.join());
  }

  void hold(std::string grant_name) {
    WorkerConfig config;
    config.active = true;
    auto& one = config.agents.emplace_back();
    one.id = agent;
    one.permissions = json::object{{"scopes", json::array{}}, {"allowedDomains", json::array{}}};
    one.credentials.push_back(
        {.name = "box",
         .kind = "granted",
         .hosts = {"mail.example.com"},
         .placeholder = RenewalRig::kPlaceholder,
         .value = {},
         .grant_name = std::move(grant_name),
         .grant = {.client_id = "id", .refresh_token = Secret::copy_of("a-refresh-token")}});
    std::vector<std::string> problems;
    shared_->agents =
        compile_agents(testing::renewal_catalogue(tokens.authority()), config, problems);
    EXPECT_THAT(problems, IsEmpty());
    renewer_->on_new_configuration();
  }
  Error refused() {
    const auto renewed = net::testing::run_task(io, renewer_->renew(agent, "box"));
    EXPECT_FALSE(renewed);
    return renewed ? Error() : renewed.error();
  }
  // How many times the endpoint is asked by one request after another, `seconds` later.
  std::size_t asked_after(int seconds) {
    clock.advance(std::chrono::seconds(seconds));
    const auto before = tokens.requests().size();
    (void)refused();
    return tokens.requests().size() - before;
  }

  const crypto::Authority root = crypto::make_authority("root", SystemClock().now()).value();
  const AgentId agent = AgentId::random();
  boost::asio::io_context io;
  ManualClock clock;
  TlsOrigin tokens{io, root, "tokens.example.com"};

 private:
  Task<void> play_spool() {
    std::uint64_t count = 0;
    while (true) {
      const auto packet = co_await spool_->receive();
      if (!packet) co_return;
      // Several records may be in one packet.
      count += read_records(packet->bytes).value().size();
      const DurableMessage durable{.sequence = count};
      (void)spool_->send(encode(durable));
    }
  }

  net::CoarseTimer timer_{io.get_executor()};
  net::TlsClientContext tls_ = net::TlsClientContext::create(root.certificate_pem).value();
  std::unique_ptr<PacketChannel> spool_;
  std::unique_ptr<AuditTrail> trail_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<Upstreams> upstreams_;
  std::unique_ptr<WorkerShared> shared_;
  std::unique_ptr<TokenRenewer> renewer_;
  TaskGroup tasks_{io.get_executor()};
};

TEST_F(RenewerTest, PausesLongerAfterEachFailureThatMayPass) {
  tokens.answers = [](const std::string&) { return TlsOrigin::answer(503, ""); };
  EXPECT_EQ(asked_after(0), 1U);
  EXPECT_EQ(refused().retry_after_seconds, 5);
  EXPECT_EQ(asked_after(4), 0U);
  EXPECT_EQ(asked_after(1), 1U);
  EXPECT_EQ(asked_after(9), 0U);
  EXPECT_EQ(asked_after(1), 1U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(asked_after(300), 1U) << "never longer than that";
  EXPECT_EQ(asked_after(299), 0U);
}

TEST_F(RenewerTest, AsksAgainTenMinutesAfterARefusalForGoodOrWithAnotherGrant) {
  tokens.answers = [](const std::string&) { return error_answer(400, "invalid_grant"); };
  EXPECT_EQ(asked_after(0), 1U);
  EXPECT_EQ(refused().code, Code::kForbidden);
  EXPECT_EQ(refused().detail_key, "invalid_grant");
  EXPECT_EQ(asked_after(599), 0U);
  EXPECT_EQ(asked_after(1), 1U);
  EXPECT_EQ(asked_after(0), 0U);
  hold("grant-2");
  EXPECT_EQ(asked_after(0), 1U);
}

TEST(Validity, FollowsTheClock) {
  services::OAuth oauth;
  ManualClock clock;
  HeldCredential held{.value = Secret::copy_of("token-of-now")};
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kGood) << "no end, not renewed";
  held.expires_at = clock.now() + std::chrono::seconds(100);
  held.oauth = &oauth;
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kGood);
  clock.advance(std::chrono::seconds(39));
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kGood);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kEnding);
  clock.advance(std::chrono::seconds(59));
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kEnding);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kEnded);
  held.expires_at.reset();
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kEnded) << "renewed, of unknown age";
  held.expires_at = clock.now() + std::chrono::hours(1);
  held.value = {};
  EXPECT_EQ(validity_of(held, clock.now()), Validity::kEnded) << "none yet";
}

}  // namespace
}  // namespace deployclaw::egress
