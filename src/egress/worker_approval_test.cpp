// A request that waits for a person, in the worker: what it shows, what it waits for, what it
// sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "egress/testing/worker_rig.hpp"
#include "services/render_request.hpp"

namespace deployclaw::egress {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::WorkerRig;

class WorkerApproval : public ::testing::Test {
 protected:
  WorkerApproval() { allow({"api:outbound"}, {"api:outbound"}); }

  void allow(json::array scopes, json::array approval) {
    auto config = rig.config();
    config.version = ++version_;
    config.deadlines = deadlines;
    auto& permissions = config.agents[0].permissions.as_object();
    permissions["scopes"] = std::move(scopes);
    permissions["approval"] = std::move(approval);
    rig.configure(config);
  }

  struct Asked {
    ApprovalMessage message;
    std::string shown;
  };
  // Every question so far, with the pieces before it.
  std::vector<Asked> asked() const {
    std::vector<Asked> all;
    std::map<std::uint64_t, std::string> texts;
    for (const auto& packet : rig.packets()) {
      if (const auto text = read_approval_text(packet)) texts[text->hold] += text->bytes;
      if (const auto message = read_approval(packet)) {
        all.push_back({*message, texts[message->hold]});
      }
    }
    return all;
  }
  Asked wait_for_question(std::size_t number) {
    EXPECT_TRUE(rig.until([&] { return asked().size() >= number; }));
    return asked().at(number - 1);
  }
  bool dropped(std::uint64_t hold) {
    return rig.until([&] {
      return std::ranges::any_of(rig.packets(), [&](const auto& packet) {
        const auto drop = read_approval_drop(packet);
        return drop && drop->hold == hold;
      });
    });
  }
  bool given_back(const Asked& question) const {
    return std::ranges::any_of(rig.packets(), [&](const auto& packet) {
      const auto back = read_approval_return(packet);
      return back && back->hold == question.message.hold;
    });
  }
  void answer(const Asked& to, ApprovalVerdict verdict,
              std::optional<LimitRefusal> limit = std::nullopt) {
    const ApprovalAnswerMessage message{.hold = to.message.hold,
                                        .verdict = verdict,
                                        .id = id,
                                        .expires_at = Time(std::chrono::seconds(1'800'000'000)),
                                        .limit = limit};
    rig.send(encode(message));
  }
  std::string post(std::string_view body, std::string_view fields = {}) const {
    return rig.request(
               "POST", "/send",
               std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n") +
           std::string(body);
  }
  static json::object problem(const std::string& answer) {
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).as_object();
  }

  Deadlines deadlines;
  WorkerRig rig;
  const ApprovalId id = ApprovalId::random();

 private:
  std::uint64_t version_ = 0;
};

TEST_F(WorkerApproval, ARequestIsShownWholeAndSentOnceItIsGranted) {
  auto agent = rig.connect();
  agent.send(post("hello", "Content-Type: text/plain\r\n"));
  const auto question = wait_for_question(1);
  EXPECT_EQ(question.message.agent, rig.agent);
  EXPECT_EQ(question.message.scope, "api:outbound");
  const auto shown = json::parse(question.shown).at("request").as_object();
  EXPECT_EQ(shown.at("method").as_string(), "POST");
  EXPECT_EQ(shown.at("url").as_string(), "http://" + rig.origin_authority() + "/send");
  EXPECT_EQ(shown.at("body").at("content").as_string(), "hello");
  answer(question, ApprovalVerdict::kPending);
  EXPECT_TRUE(rig.origin.requests().empty());
  EXPECT_TRUE(rig.records().empty()) << "nothing is intended before it may be";
  answer(question, ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(rig.origin.requests().size(), 1U);
  EXPECT_THAT(rig.origin.requests()[0], HasSubstr("\r\n\r\nhello"));
  const auto intent = rig.told(RecordKind::kIntent);
  EXPECT_EQ(intent.json.at("metadata").at("approvalId").as_string(), id.to_string());
}

TEST_F(WorkerApproval, TheDigestIsOfTheRequestAndNotOfWhatChangesEachTime) {
  const auto digest_of = [&](std::string request) {
    const auto before = asked().size();
    auto agent = rig.connect();
    agent.send(request);
    const auto question = wait_for_question(before + 1);
    answer(question, ApprovalVerdict::kDenied);
    EXPECT_THAT(agent.read_until("}"), HasSubstr("approval_denied"));
    return question.message.digest;
  };
  const auto first = digest_of(post("hello"));
  EXPECT_EQ(digest_of(post("hello", "User-Agent: other\r\nDate: today\r\nAccept: */*\r\n")), first);
  EXPECT_NE(digest_of(post("hellp")), first);
  EXPECT_NE(digest_of(post("hello", "X-Other: 1\r\n")), first);
  EXPECT_EQ(digest_of(rig.request("POST", "/send", "Transfer-Encoding: chunked\r\n") +
                      "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
            first)
      << "however it is framed, it goes on as one";
}

TEST_F(WorkerApproval, WhatIsNotDecidedInTimeGets202AndTheConnectionGoesOn) {
  deadlines.approval = std::chrono::milliseconds(50);
  allow({"api:outbound"}, {"api:outbound"});
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 202"));
  EXPECT_THAT(text, HasSubstr("Retry-After: "));
  const auto said = problem(text);
  EXPECT_EQ(said.at("code").as_string(), "approval_pending");
  EXPECT_EQ(said.at("approvalId").as_string(), id.to_string());
  EXPECT_TRUE(said.at("expiresAt").is_string());
  EXPECT_TRUE(dropped(question.message.hold));
  agent.send(post("hello"));  // the same connection
  const auto again = wait_for_question(2);
  EXPECT_EQ(again.message.digest, question.message.digest);
  answer(again, ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(rig.origin.requests().size(), 1U);
}

TEST_F(WorkerApproval, A202IsInTheAuditLogWithItsApproval) {
  deadlines.approval = std::chrono::milliseconds(50);
  allow({"api:outbound"}, {"api:outbound"});
  auto agent = rig.connect();
  agent.send(post("hello"));
  answer(wait_for_question(1), ApprovalVerdict::kPending);
  EXPECT_THAT(agent.read_until("}"), StartsWith("HTTP/1.1 202"));
  const auto event = rig.told(RecordKind::kEvent).json;
  EXPECT_EQ(event.at("outcome").as_string(), "denied");
  EXPECT_EQ(event.at("metadata").at("layer").as_string(), "approval");
  EXPECT_EQ(event.at("metadata").at("reason").as_string(), "approval_pending");
  EXPECT_EQ(event.at("metadata").at("approvalId").as_string(), id.to_string());
}

constexpr LimitRefusal kReached{.kind = LimitRefusal::Kind::kRate,
                                .scope = 6,  // api:outbound
                                .window = domain::Window::kHour,
                                .max = 7,
                                .retry_after_seconds = 90};

TEST_F(WorkerApproval, AReachedLimitIsA429ThatNamesIt) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  answer(wait_for_question(1), ApprovalVerdict::kLimited, kReached);
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(text, HasSubstr("Retry-After: 90\r\n"));
  const auto said = problem(text);
  EXPECT_EQ(said.at("code").as_string(), "rate_limited");
  EXPECT_EQ(said.at("layer").as_string(), "rate");
  EXPECT_EQ(said.at("scope").as_string(), "api:outbound");
  EXPECT_EQ(said.at("max").as_int64(), 7);
  EXPECT_EQ(rig.told(RecordKind::kEvent).json.at("metadata").at("layer").as_string(), "rate");
  agent.send(post("hello"));  // the same connection
  answer(wait_for_question(2), ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
}

TEST_F(WorkerApproval, AGrantIsGivenBackWhenTheLedgerRefusesAfterAll) {
  rig.on_charge = [](const RecordMessage& intent) {
    return IntentAnswer{.id = intent.id, .limit = kReached};
  };
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kUsed);
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 429"));
  EXPECT_TRUE(rig.until([&] { return given_back(question); }));
  EXPECT_TRUE(rig.origin.requests().empty());
}

TEST_F(WorkerApproval, AGrantIsGivenBackWhenTheUpstreamIsNotReached) {
  auto config = rig.config();
  config.version = 100;
  auto& permissions = config.agents[0].permissions.as_object();
  permissions["allowedDomains"] = json::array{std::string(WorkerRig::kHost) + ":1"};
  permissions["approval"] = json::array{"api:outbound"};
  rig.configure(config);
  auto agent = rig.connect();
  const auto authority = std::string(WorkerRig::kHost) + ":1";  // nobody listens there
  agent.send("GET http://" + authority + "/ HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("}"), StartsWith("HTTP/1.1 502"));
  EXPECT_TRUE(rig.until([&] { return given_back(question); }));
}

TEST_F(WorkerApproval, AGrantWhoseRequestHasGoneIsGivenBack) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  agent.close();
  EXPECT_TRUE(dropped(question.message.hold));
  answer(question, ApprovalVerdict::kUsed);
  EXPECT_TRUE(rig.until([&] { return given_back(question); }));
}

TEST_F(WorkerApproval, AGrantWhoseRequestWasSentIsNotGivenBack) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto first = wait_for_question(1);
  answer(first, ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
  // What comes behind it has come: so would have what went before it.
  agent.send(post("other"));
  const auto second = wait_for_question(2);
  EXPECT_FALSE(given_back(first));
}

TEST_F(WorkerApproval, WhatIsNotAnsweredAtAllIsRefused) {
  deadlines.approval = std::chrono::milliseconds(50);
  allow({"api:outbound"}, {"api:outbound"});
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(problem(text).at("code").as_string(), "approval_unavailable");
  EXPECT_TRUE(rig.origin.requests().empty());
}

TEST_F(WorkerApproval, EveryOtherVerdictIsARefusal) {
  const std::tuple<ApprovalVerdict, const char*, const char*> cases[] = {
      {ApprovalVerdict::kDenied, "403", "approval_denied"},
      {ApprovalVerdict::kExpired, "403", "approval_expired"},
      {ApprovalVerdict::kFull, "429", "approvals_full"},
      {ApprovalVerdict::kUnavailable, "503", "approval_unavailable"}};
  for (const auto& [verdict, status, code] : cases) {
    const auto before = asked().size();
    auto agent = rig.connect();
    agent.send(post("hello"));
    answer(wait_for_question(before + 1), verdict);
    const auto text = agent.read_until("}");
    EXPECT_THAT(text, StartsWith(std::string("HTTP/1.1 ") + status));
    EXPECT_EQ(problem(text).at("code").as_string(), code);
    EXPECT_EQ(problem(text).at("layer").as_string(), "approval");
  }
  EXPECT_TRUE(rig.origin.requests().empty());
}

TEST_F(WorkerApproval, WhoLosesTheGrantToAnotherAsksAgain) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  answer(question, ApprovalVerdict::kGone);
  const auto again = wait_for_question(2);
  EXPECT_EQ(again.message.digest, question.message.digest);
  EXPECT_EQ(again.shown, question.shown);
  EXPECT_NE(again.message.hold, question.message.hold);
  // An answer to the first question is none to the second.
  answer(question, ApprovalVerdict::kUsed);
  answer(again, ApprovalVerdict::kDenied);
  EXPECT_THAT(agent.read_until("}"), HasSubstr("approval_denied"));
}

TEST_F(WorkerApproval, AnAgentThatHangsUpLetsGo) {
  for (const bool reset : {false, true}) {
    const auto before = asked().size();
    auto agent = rig.connect();
    agent.send(post("hello"));
    const auto question = wait_for_question(before + 1);
    answer(question, ApprovalVerdict::kPending);
    reset ? agent.reset() : agent.close();
    EXPECT_TRUE(dropped(question.message.hold));
    answer(question, ApprovalVerdict::kUsed);
  }
  auto other = rig.connect();  // the worker goes on
  other.send(post("other"));
  answer(wait_for_question(3), ApprovalVerdict::kUsed);
  EXPECT_THAT(other.read_until("ok"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(rig.origin.requests().size(), 1U);
}

TEST_F(WorkerApproval, ALostScopeEndsTheWait) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  allow({}, {"api:outbound"});
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(problem(text).at("code").as_string(), "egress_denied");
  EXPECT_TRUE(dropped(question.message.hold));
}

TEST_F(WorkerApproval, AGrantDoesNotOutliveTheScope) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  answer(question, ApprovalVerdict::kUsed);
  allow({}, {});
  EXPECT_THAT(agent.read_until("\r\n\r\n"), Not(HasSubstr("\r\n\r\nnever")));
  // Whichever came first, what goes out was allowed when it went; a second request is not.
  agent.close();
  auto other = rig.connect();
  other.send(post("hello"));
  EXPECT_THAT(other.read_until("}"), HasSubstr("egress_denied"));
}

TEST_F(WorkerApproval, AScopeThatNeedsNobodyAnyMoreGoesOnAtOnce) {
  auto agent = rig.connect();
  agent.send(post("hello"));
  const auto question = wait_for_question(1);
  answer(question, ApprovalVerdict::kPending);
  allow({"api:outbound"}, {"email:send"});
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
}

TEST_F(WorkerApproval, MoreThanAMebibyteIsRefusedUnread) {
  auto agent = rig.connect();
  agent.send(rig.request("POST", "/send", "Content-Length: 1048577\r\nExpect: 100-continue\r\n"));
  auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(problem(text).at("code").as_string(), "approval_too_large");
  auto chunked = rig.connect();
  chunked.send(rig.request("POST", "/send", "Transfer-Encoding: chunked\r\n") + "100001\r\n" +
               std::string(0x100001, 'x') + "\r\n0\r\n\r\n");
  text = chunked.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(problem(text).at("code").as_string(), "approval_too_large");
  EXPECT_TRUE(asked().empty());
}

TEST_F(WorkerApproval, AMebibyteIsShownWhole) {
  auto agent = rig.connect();
  const std::string body(1024UL * 1024, '\n');
  agent.send(post(body));
  const auto question = wait_for_question(1);
  EXPECT_LE(question.shown.size(), services::kMostRendered);
  EXPECT_EQ(json::parse(question.shown).at("request").at("body").at("content").as_string(), body);
  answer(question, ApprovalVerdict::kUsed);
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(rig.origin.requests().at(0), HasSubstr(body));
}

TEST_F(WorkerApproval, AnUpgradeCannotBeShown) {
  auto agent = rig.connect();
  agent.send(
      rig.request("GET", "/socket",
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"));
  const auto text = agent.read_until("}");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(problem(text).at("code").as_string(), "approval_impossible");
  EXPECT_TRUE(asked().empty());
}

TEST_F(WorkerApproval, NobodyIsShownASecretOrAskedForWhatIsRefusedAnyway) {
  for (const auto& [what, code] :
       {std::pair<std::string, std::string>{WorkerRig::kSecret, "secret_in_request"},
        {WorkerRig::kPlaceholder, "placeholder_misplaced"}}) {
    for (const auto& request : {post(what), post("x", "X-A: " + what + "\r\n")}) {
      auto agent = rig.connect();
      agent.send(request);
      const auto text = agent.read_until("}");
      EXPECT_THAT(text, StartsWith("HTTP/1.1 403"));
      EXPECT_EQ(problem(text).at("code").as_string(), code);
    }
  }
  EXPECT_TRUE(asked().empty());
}

TEST_F(WorkerApproval, AnAgentMayHaveSoManyThatWait) {
  std::vector<std::unique_ptr<net::testing::RawClient>> agents;
  for (std::size_t i = 0; i < ApprovalDesk::kMostOfAgent; ++i) {
    agents.push_back(std::make_unique<net::testing::RawClient>(rig.io, rig.port()));
    agents.back()->send(post("n" + std::to_string(i)));
    answer(wait_for_question(i + 1), ApprovalVerdict::kPending);
  }
  auto one_more = rig.connect();
  one_more.send(post("more"));
  EXPECT_THAT(one_more.read_until("}"), HasSubstr("approvals_full"));
  // Each that ends makes room.
  agents.front()->close();
  ASSERT_TRUE(dropped(asked().front().message.hold));
  auto next = rig.connect();
  next.send(post("next"));
  answer(wait_for_question(ApprovalDesk::kMostOfAgent + 1), ApprovalVerdict::kUsed);
  EXPECT_THAT(next.read_until("ok"), StartsWith("HTTP/1.1 200"));
}

TEST_F(WorkerApproval, OtherScopesWaitForNobody) {
  allow({"api:outbound"}, {"email:send", "messaging:send"});
  auto agent = rig.connect();
  agent.send(post("hello"));
  EXPECT_THAT(agent.read_until("ok"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(asked().empty());
}

}  // namespace
}  // namespace deployclaw::egress
