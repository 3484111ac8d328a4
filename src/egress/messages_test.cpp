#include "egress/messages.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "egress/worker_config.hpp"

namespace deployclaw::egress {
namespace {

TEST(Messages, ArriveAsTheyWereSent) {
  const ConnectionMessage sent{.agent = AgentId::random(),
                               .entrance = Entrance::kTransparent,
                               .destination = Ipv4(0xC6120007),
                               .port = 443};
  const auto got = read_connection(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->agent, sent.agent);
  EXPECT_EQ(got->entrance, sent.entrance);
  EXPECT_EQ(got->destination, sent.destination);
  EXPECT_EQ(got->port, sent.port);
  std::string packet;
  append(packet, {.kind = RecordKind::kIntent, .agent = {}, .id = 9, .json = "{\"a\":1}"});
  append(packet, {.kind = RecordKind::kOutcome, .agent = {}, .id = 8, .json = ""});
  const auto records = read_records(packet);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ(records->front().id, 9U);
  EXPECT_EQ(records->front().json, "{\"a\":1}");
  EXPECT_EQ(records->back().kind, RecordKind::kOutcome);
  EXPECT_EQ(records->back().id, 8U);
}

TEST(Messages, OfAnotherKindCutShortOrUnknownAreNotRead) {
  const auto whole = encode(ConnectionMessage{});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_connection(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(read_connection(whole + "x"));
  EXPECT_FALSE(read_idle(whole));
  EXPECT_FALSE(kind_of(""));
  EXPECT_FALSE(kind_of(std::string(1, '\xff')));
  std::string records;
  append(records, {});
  const auto one = records.size();
  append(records, {});
  for (std::size_t size = 0; size < records.size(); ++size) {
    EXPECT_EQ(read_records(records.substr(0, size)).has_value(), size == one) << size;
  }
  records[one] = 9;  // no such kind of record
  EXPECT_FALSE(read_records(records));
}

TEST(Messages, AboutTestsHaveAReasonAndAStatusOfHttpOrNone) {
  const TestMessage asked{
      .id = CredentialTestId::random(), .agent = AgentId::random(), .credential = "key"};
  const auto got = read_test(encode(asked));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->id, asked.id);
  EXPECT_EQ(got->agent, asked.agent);
  EXPECT_EQ(got->credential, "key");
  TestAnswerMessage answer{.id = asked.id, .reason = domain::TestReason::kRejected, .status = 401};
  ASSERT_TRUE(read_test_answer(encode(answer)));
  EXPECT_EQ(read_test_answer(encode(answer))->status, 401);
  for (const unsigned status : {1U, 99U, 600U, 65535U}) {
    answer.status = static_cast<std::uint16_t>(status);
    EXPECT_FALSE(read_test_answer(encode(answer))) << status;
  }
  answer.status = 0;
  EXPECT_TRUE(read_test_answer(encode(answer)));
  answer.reason = static_cast<domain::TestReason>(domain::kTestReasons);
  EXPECT_FALSE(read_test_answer(encode(answer)));
}

TEST(Messages, AnApprovalIsLimitedByWhatItNamesOrByNothing) {
  ApprovalAnswerMessage sent{.hold = 7,
                             .verdict = ApprovalVerdict::kLimited,
                             .id = ApprovalId::random(),
                             .expires_at = Time(std::chrono::seconds(1'800'000'000)),
                             .limit = LimitRefusal{.kind = LimitRefusal::Kind::kRate,
                                                   .scope = 1,
                                                   .window = domain::Window::kDay,
                                                   .max = 20,
                                                   .retry_after_seconds = 60}};
  const auto got = read_approval_answer(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->hold, sent.hold);
  EXPECT_EQ(got->verdict, sent.verdict);
  EXPECT_EQ(got->id, sent.id);
  EXPECT_EQ(got->expires_at, sent.expires_at);
  EXPECT_EQ(got->limit, sent.limit);
  sent.verdict = ApprovalVerdict::kUsed;
  EXPECT_FALSE(read_approval_answer(encode(sent)));
  sent.limit.reset();
  EXPECT_TRUE(read_approval_answer(encode(sent)));
  sent.verdict = ApprovalVerdict::kLimited;
  EXPECT_FALSE(read_approval_answer(encode(sent)));
  const auto back = read_approval_return(encode(ApprovalReturnMessage{.hold = 9}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->hold, 9U);
  EXPECT_FALSE(read_approval_return(encode(ApprovalDropMessage{.hold = 9})));
}

RenewedMessage renewed() {
  return {.agent = AgentId::random(),
          .credential = "gmail",
          .grant_name = "c29tZS1pdg==",
          .lifetime = 3599,
          .access_token = Secret::copy_of("new-access-token"),
          .refresh_token = Secret::copy_of("new-refresh-token")};
}

TEST(Messages, ARenewedTokenArrivesAsItWasSent) {
  auto sent = renewed();
  auto got = read_renewed(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->agent, sent.agent);
  EXPECT_EQ(got->credential, "gmail");
  EXPECT_EQ(got->grant_name, sent.grant_name);
  EXPECT_EQ(got->lifetime, 3599U);
  EXPECT_TRUE(got->access_token.equals(sent.access_token));
  EXPECT_TRUE(got->refresh_token.equals(sent.refresh_token));
  sent.refresh_token = {};
  got = read_renewed(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->refresh_token.empty());
}

TEST(Messages, ARenewedTokenThatIsNoneIsNotRead) {
  const auto whole = encode(renewed());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_renewed(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(read_renewed(whole + "x"));
  const auto refused = [](auto change) {
    auto message = renewed();
    change(message);
    return !read_renewed(encode(message));
  };
  using Message = RenewedMessage&;
  EXPECT_TRUE(refused([](Message m) { m.lifetime = 0; }));
  EXPECT_TRUE(refused([](Message m) { m.credential.clear(); }));
  EXPECT_TRUE(refused([](Message m) { m.credential = std::string(65, 'x'); }));
  EXPECT_TRUE(refused([](Message m) { m.grant_name.clear(); }));
  EXPECT_TRUE(refused([](Message m) { m.access_token = {}; }));
  EXPECT_TRUE(refused([](Message m) { m.access_token = Secret::copy_of("line\r\nbreak"); }));
  EXPECT_TRUE(refused([](Message m) { m.refresh_token = Secret::copy_of("nul\x01"); }));
  EXPECT_TRUE(refused([](Message m) { m.access_token = Secret::copy_of(std::string(8193, 'x')); }));
}

TEST(WorkerConfig, TravelsInMemoryThatNobodyCanChange) {
  WorkerConfig config;
  config.version = 3;
  config.client = ClientId::random();
  config.active = true;
  config.authority_certificate = "CERT";
  config.authority_key = Secret::copy_of("key\0\xff with any byte");
  config.nameservers = {"192.0.2.1:53"};
  config.pins["a.example.com"] = {"10.0.0.1", "10.0.0.2"};
  WorkerAgent& agent = config.agents.emplace_back();
  agent.id = AgentId::random();
  agent.permissions = {{"scopes", {"api:outbound"}}};
  agent.addresses[0xC6120001] = "a.example.com";
  agent.credentials.push_back({.name = "openai",
                               .kind = "openai",
                               .hosts = {"api.openai.com"},
                               .placeholder = "sk-placeholder",
                               .value = Secret::copy_of("sk-\"real\"\n")});
  const auto memory = seal_config(config);
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_LT(write(memory->get(), "x", 1), 0) << "sealed";
  const auto opened = open_config(*memory);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->version, 3U);
  EXPECT_EQ(opened->client, config.client);
  EXPECT_TRUE(opened->active);
  EXPECT_TRUE(opened->authority_key.equals(config.authority_key));
  EXPECT_EQ(opened->pins, config.pins);
  ASSERT_EQ(opened->agents.size(), 1U);
  EXPECT_EQ(opened->agents[0].id, agent.id);
  EXPECT_EQ(opened->agents[0].permissions, agent.permissions);
  EXPECT_EQ(opened->agents[0].addresses, agent.addresses);
  EXPECT_TRUE(opened->agents[0].credentials[0].value.equals(agent.credentials[0].value));
}

TEST(WorkerConfig, OfAnotherFormIsRefused) { EXPECT_FALSE(open_config(linux::UniqueFd())); }

}  // namespace
}  // namespace deployclaw::egress
