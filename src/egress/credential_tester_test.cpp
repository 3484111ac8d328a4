#include "egress/credential_tester.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "crypto/certificates.hpp"
#include "egress/testing/tls_origin.hpp"
#include "egress/testing/worker_rig.hpp"

// A credential that is tried in the worker: what leaves, what is told, and what is not.
namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using domain::TestReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::TlsOrigin;
using testing::WorkerRig;

constexpr const char* kHost = "api.tried.example.com";
constexpr const char* kTokenHost = "tokens.tried.example.com";
constexpr const char* kValue = "real-tried-value-0123456789-abcdefghijklmnopqrstuv";
constexpr const char* kNew = "new-access-token-9876543210";
constexpr const char* kPlaceholder = "trd_0123456789abcdefghijklmnopqrstuvwxyzABCD";

std::string kind_text(const std::string& name, const std::string& host, const std::string& test) {
  return "[[kinds]]\nname = \"" + name + "\"\ntitle = \"T\"\nhosts = [\"" + host +
         "\"]\nplaceholder = \"trd_{a40}\"\n"
         "places = [{ header = \"Authorization\", prefix = \"Bearer \" }]\n" +
         test;
}

services::Catalogue catalogue_for(const std::string& api, const std::string& tokens) {
  const std::string test = "[kinds.test]\nurl = \"https://" + api + "/v1/me?limit=1\"\n";
  const std::pair<std::string, std::string> files[] = {
      {"tried.toml",
       "name = \"tried\"\ntitle = \"Tried\"\nhosts = [\"api.tried.example.com\"]\n" +
           kind_text("tried", kHost, test) +
           kind_text("tried-body", kHost,
                     test + "method = \"POST\"\nwithout_effect = true\n"
                            "accepted_body = { pointer = \"/ok\", equals = [true] }\n") +
           kind_text("untried", kHost, "") + "[oauth]\ntoken_url = \"https://" + tokens +
           "/token\"\nclient_in = \"body\"\nkinds = [\"tried\"]\n"
           "[[rules]]\nid = \"none\"\nmethods = [\"GET\"]\npaths = [\"/v2/**\"]\n"
           "scope = \"files:read\"\naction = \"file_access\"\n"},
      {"oauth.toml",
       "name = \"oauth\"\ntitle = \"Tokens\"\nhosts = [\"tokens.tried.example.com\"]\n"
       "[[rules]]\nid = \"token\"\nmethods = [\"GET\", \"POST\"]\npaths = [\"/**\"]\n"
       "deny = \"The platform renews tokens.\"\n"}};
  return services::Catalogue::of(files).value();
}

crypto::Authority authority(const char* name) {
  return crypto::make_authority(name, SystemClock().now()).value();
}

class TesterTest : public ::testing::Test {
 protected:
  explicit TesterTest(bool trusted = true) {
    const auto root = authority("the internet's");
    const auto nobody = authority("nobody's");
    rig = std::make_unique<WorkerRig>([&](boost::asio::io_context& io) {
      api = std::make_unique<TlsOrigin>(io, trusted ? root : nobody, kHost);
      tokens = std::make_unique<TlsOrigin>(io, root, kTokenHost);
      return WorkerParts{.catalogue = catalogue_for(api->authority(), tokens->authority()),
                         .tls = net::TlsClientContext::create(root.certificate_pem).value()};
    });
    pins = {{kHost, {"127.0.0.1"}}, {kTokenHost, {"127.0.0.1"}}};
  }
  ~TesterTest() override {
    api.reset();
    tokens.reset();
  }

  // The agent has no scope at all: a test needs none.
  void configure() {
    auto config = rig->config();
    config.version = ++version;
    config.active = active;
    config.pins = pins;
    auto& agent = config.agents[0];
    agent.permissions = json::object{{"scopes", json::array()}};
    agent.credentials.clear();
    WorkerCredential held{.name = "key",
                          .kind = kind,
                          .hosts = hosts,
                          .placeholder = kPlaceholder,
                          .value = Secret::copy_of(std::string_view(value)),
                          .expires_at = expires_at};
    if (renewable) {
      held.grant_name = "grant-" + std::to_string(version);
      held.grant.client_id = "client";
      held.grant.refresh_token = Secret::copy_of("the-refresh-token-0123");
    }
    agent.credentials.push_back(std::move(held));
    rig->configure(config);
  }

  CredentialTestId ask(std::string name = "key") {
    const auto id = CredentialTestId::random();
    rig->send(encode(TestMessage{.id = id, .agent = rig->agent, .credential = std::move(name)}));
    return id;
  }
  TestAnswerMessage answer_to(CredentialTestId id) {
    std::optional<TestAnswerMessage> found;
    EXPECT_TRUE(rig->until([&] {
      for (const auto& packet : rig->packets()) {
        const auto answer = read_test_answer(packet);
        if (answer && answer->id == id) found = answer;
      }
      return found.has_value();
    }));
    return found.value_or(TestAnswerMessage{});
  }
  TestAnswerMessage tried() {
    configure();
    return answer_to(ask());
  }
  TestAnswerMessage answered(std::string whole) {
    api->answers = [whole = std::move(whole)](const std::string&) { return whole; };
    return tried();
  }
  // The records of the audit log about tests: intents and outcomes.
  std::vector<json::object> told() const {
    std::vector<json::object> found;
    for (const auto& record : rig->records()) {
      const auto* type = record.json.if_contains("actionType");
      if (type != nullptr && *type == "credential_tested") found.push_back(record.json);
    }
    return found;
  }
  void expect_no_secret_anywhere() const {
    rig->settle();
    for (const auto& packet : rig->packets()) {
      if (read_renewed(packet)) continue;  // that one carries the new token, to be sealed
      EXPECT_THAT(packet, Not(HasSubstr(kValue)));
      EXPECT_THAT(packet, Not(HasSubstr(kNew)));
    }
    for (const auto& record : rig->records()) {
      EXPECT_THAT(json::serialize(record.json), Not(HasSubstr(kValue)));
      EXPECT_THAT(json::serialize(record.json), Not(HasSubstr(kNew)));
    }
  }

  std::unique_ptr<WorkerRig> rig;
  std::unique_ptr<TlsOrigin> api;
  std::unique_ptr<TlsOrigin> tokens;
  std::map<std::string, std::vector<std::string>> pins;
  std::string kind = "tried";
  std::string value = kValue;
  std::vector<std::string> hosts{kHost};
  std::optional<Time> expires_at;
  bool renewable = false;
  bool active = true;
  std::uint64_t version = 0;
};

TEST_F(TesterTest, AnAcceptedOneIsAskedOnceWithTheValueAndToldBeforeAndAfter) {
  const auto answer = answered(TlsOrigin::answer(200, "{\"models\": []}"));
  EXPECT_EQ(answer.reason, TestReason::kAccepted);
  EXPECT_EQ(answer.status, 200);
  ASSERT_THAT(api->requests(), SizeIs(1));
  EXPECT_THAT(api->requests()[0], StartsWith("GET /v1/me?limit=1 HTTP/1.1\r\n"));
  EXPECT_THAT(api->requests()[0], HasSubstr("Host: " + api->authority() + "\r\n"));
  EXPECT_THAT(api->requests()[0], HasSubstr("Authorization: Bearer " + std::string(kValue)));
  EXPECT_THAT(api->requests()[0], Not(HasSubstr(kPlaceholder)));
  ASSERT_TRUE(rig->until([&] { return told().size() == 2; }));
  const auto intent = told()[0];
  EXPECT_FALSE(intent.contains("outcome"));
  EXPECT_EQ(intent.at("metadata").at("credential"), "key");
  EXPECT_EQ(intent.at("metadata").at("testId"), json::string(answer.id.to_string()));
  const auto outcome = told()[1];
  EXPECT_EQ(outcome.at("outcome"), "success");
  EXPECT_EQ(outcome.at("metadata").at("verdict"), "accepted");
  EXPECT_EQ(outcome.at("metadata").at("status"), 200);
  expect_no_secret_anywhere();
}

TEST_F(TesterTest, NothingIsChargedToTheAgentAndItsCredentialCountsAsUnused) {
  answered(TlsOrigin::answer(200, "{}"));
  rig->settle();
  for (const auto& record : rig->records()) EXPECT_TRUE(record.charge.is_free());
  for (const auto& packet : rig->packets()) EXPECT_FALSE(read_used(packet));
}

TEST_F(TesterTest, WhatTheServiceSaysNeverLeavesTheWorker) {
  const auto echo = std::string("{\"error\": \"bad key ") + kValue + "\"}";
  const auto answer = answered(TlsOrigin::answer(401, echo));
  EXPECT_EQ(answer.reason, TestReason::kRejected);
  EXPECT_EQ(answer.status, 401);
  ASSERT_TRUE(rig->until([&] { return told().size() == 2; }));
  EXPECT_EQ(told()[1].at("outcome"), "failure");
  for (const auto& record : rig->records()) {
    EXPECT_THAT(json::serialize(record.json), Not(HasSubstr("bad key")));
  }
  expect_no_secret_anywhere();
}

TEST_F(TesterTest, OtherAnswersSayNothingOfTheCredential) {
  EXPECT_EQ(answered(TlsOrigin::answer(403, "")).reason, TestReason::kNotAllowed);
  EXPECT_EQ(answered(TlsOrigin::answer(429, "")).reason, TestReason::kRateLimited);
  EXPECT_EQ(answered(TlsOrigin::answer(502, "")).reason, TestReason::kServiceTrouble);
  EXPECT_EQ(answered("HTTP/9 what\r\n\r\n").reason, TestReason::kUnexpectedAnswer);
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nA: " + std::string(kMostHead, 'x')).reason,
            TestReason::kUpstreamFailed);
  // A redirect is not followed, with the value or without.
  const auto before = api->requests().size();
  EXPECT_EQ(answered(TlsOrigin::answer(302, "",
                                       "Location: https://" + tokens->authority() + "/token\r\n"))
                .reason,
            TestReason::kUnexpectedAnswer);
  EXPECT_EQ(api->requests().size(), before + 1);
  EXPECT_EQ(tokens->connections(), 0U);
}

TEST_F(TesterTest, ABodyIsReadWhereItDecidesAndBounded) {
  kind = "tried-body";
  EXPECT_EQ(answered(TlsOrigin::answer(200, "{\"ok\": true}")).reason, TestReason::kAccepted);
  EXPECT_THAT(api->requests().back(), StartsWith("POST /v1/me?limit=1 HTTP/1.1\r\n"));
  EXPECT_THAT(api->requests().back(), HasSubstr("Content-Length: 0\r\n"));
  EXPECT_EQ(answered(TlsOrigin::answer(200, "{\"ok\": false}")).reason,
            TestReason::kUnexpectedAnswer);
  const auto huge =
      "{\"ok\": true, \"x\": \"" + std::string(CredentialTester::kMostBody, 'x') + "\"}";
  const auto answer = answered(TlsOrigin::answer(200, huge));
  EXPECT_EQ(answer.reason, TestReason::kUnexpectedAnswer);
  EXPECT_EQ(answer.status, 200);
}

TEST_F(TesterTest, NobodyIsAskedWhenTheAuditLogRefuses) {
  configure();
  rig->set_spool(WorkerRig::Spool::kRefuses);
  EXPECT_EQ(answer_to(ask()).reason, TestReason::kAuditUnavailable);
  EXPECT_EQ(api->connections(), 0U);
}

TEST_F(TesterTest, WhereNobodyCanBeReachedItIsToldSo) {
  pins = {{kTokenHost, {"127.0.0.1"}}};  // and the nameserver does not answer
  EXPECT_EQ(tried().reason, TestReason::kUpstreamUnreachable);
  EXPECT_EQ(api->connections(), 0U);
  ASSERT_TRUE(rig->until([&] { return told().size() == 2; }));
  EXPECT_EQ(told()[1].at("metadata").at("verdict"), "unreachable");
  EXPECT_FALSE(told()[1].at("metadata").as_object().contains("status"));
}

TEST_F(TesterTest, WhatIsNotThereOrNotForThatHostIsNotTried) {
  configure();
  EXPECT_EQ(answer_to(ask("other")).reason, TestReason::kCredentialGone);
  kind = "untried";
  EXPECT_EQ(tried().reason, TestReason::kCredentialGone);
  kind = "tried";
  active = false;
  EXPECT_EQ(tried().reason, TestReason::kNoPolicy);
  active = true;
  const auto id = CredentialTestId::random();
  rig->send(encode(TestMessage{.id = id, .agent = AgentId::random(), .credential = "key"}));
  EXPECT_EQ(answer_to(id).reason, TestReason::kNoPolicy);
  EXPECT_EQ(api->connections(), 0U);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(TesterTest, AnEndedTokenIsRenewedFirstAndTheNewOneIsTried) {
  renewable = true;
  expires_at = SystemClock().now() - std::chrono::seconds(1);
  tokens->answers = [](const std::string&) {
    return TlsOrigin::answer(200, std::string(R"({"access_token":")") + kNew +
                                      R"(","expires_in":3600,"token_type":"Bearer"})");
  };
  rig->on_renewed = [&](RenewedMessage message) {
    value = message.access_token.expose_text();
    expires_at = SystemClock().now() + std::chrono::hours(1);
    configure();
  };
  const auto answer = answered(TlsOrigin::answer(200, "{}"));
  EXPECT_EQ(answer.reason, TestReason::kAccepted);
  ASSERT_THAT(api->requests(), SizeIs(1));
  EXPECT_THAT(api->requests()[0], HasSubstr("Authorization: Bearer " + std::string(kNew)));
  expect_no_secret_anywhere();
}

TEST_F(TesterTest, ATokenThatCannotBeRenewedIsNotSent) {
  renewable = true;
  expires_at = SystemClock().now() - std::chrono::seconds(1);
  tokens->answers = [](const std::string&) {
    return TlsOrigin::answer(400, R"({"error":"invalid_grant"})");
  };
  EXPECT_EQ(tried().reason, TestReason::kRenewalRefused);
  tokens->answers = [](const std::string&) { return TlsOrigin::answer(503, ""); };
  EXPECT_EQ(tried().reason, TestReason::kRenewalFailed);
  EXPECT_EQ(api->connections(), 0U);
}

TEST_F(TesterTest, TooManyAtOnceAreRefusedAndTheWorkerEndsWithoutWaitingForThem) {
  api->answers = [](const std::string&) { return std::string(); };  // holds them
  configure();
  for (std::size_t i = 0; i < CredentialTester::kMostAtOnce; ++i) ask();
  EXPECT_EQ(answer_to(ask()).reason, TestReason::kBusy);
  ASSERT_TRUE(rig->until([&] { return !api->requests().empty(); }));
  // The rig's destructor waits for the worker's end.
}

class TesterOfStrangers : public TesterTest {
 protected:
  TesterOfStrangers() : TesterTest(false) {}
};

TEST_F(TesterOfStrangers, AServiceWhoseCertificateDoesNotVerifyGetsNothing) {
  EXPECT_EQ(answered(TlsOrigin::answer(200, "{}")).reason, TestReason::kUpstreamCertificate);
  EXPECT_THAT(api->requests(), IsEmpty());
}

}  // namespace
}  // namespace deployclaw::egress
