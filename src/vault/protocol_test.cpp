#include "vault/protocol.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "vault/testing/contexts.hpp"

namespace deployclaw::vault {
namespace {

constexpr const char* kContext =
    R"({"client":"11111111-1111-4111-8111-111111111111","salt":"AAAA","name":"n","purpose":"totp"})";

Code refused(const std::string& frame) {
  const auto call = parse_call(frame);
  return call ? Code::kInternal : call.error().code;
}

RC_GTEST_PROP(VaultProtocolProperty, CarriesACallUnchanged,
              (const Bytes& value, bool with_agent, std::uint32_t key_version)) {
  Call call;
  call.operation = *rc::gen::element(Operation::kSeal, Operation::kOpen, Operation::kReseal,
                                     Operation::kDerive, Operation::kCreateAuthority);
  call.context = some_context();
  call.context.name = "quote \" and newline \n";
  if (!with_agent) call.context.agent = AgentId();
  call.value = Secret::copy_of(value);
  call.sealed["iv"] = "x";
  call.key_version = key_version;
  const auto again = parse_call(encode_call(call));
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->operation == call.operation);
  RC_ASSERT(again->context.client == call.context.client);
  RC_ASSERT(again->context.agent == call.context.agent);
  RC_ASSERT(again->context.name == call.context.name);
  RC_ASSERT(again->context.purpose == call.context.purpose);
  RC_ASSERT(again->context.client_salt == call.context.client_salt);
  if (call.operation == Operation::kSeal) RC_ASSERT(again->value.equals(call.value));
  if (call.operation == Operation::kOpen) RC_ASSERT(again->sealed == call.sealed);
  if (call.operation == Operation::kDerive) RC_ASSERT(again->key_version == key_version);
}

RC_GTEST_PROP(VaultProtocolProperty, CarriesAnAnswerUnchanged, (const Bytes& value, bool secret)) {
  Answer answer;
  answer.body["a"] = "\"}";
  if (secret) answer.value = Secret::copy_of(value);
  const auto again = parse_answer(encode_answer(std::move(answer)));
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->body.at("a") == "\"}");
  RC_ASSERT(again->value.has_value() == secret);
  if (secret) RC_ASSERT(equal_constant_time(again->value->expose(), value));
}

RC_GTEST_PROP(VaultProtocolProperty, NeverTakesACutFrame, ()) {
  Call call;
  call.operation = Operation::kSeal;
  call.context = some_context();
  call.value = Secret::copy_of("value");
  const std::string frame = encode_call(call);
  const auto cut = *rc::gen::inRange<std::size_t>(0, frame.size());
  RC_ASSERT(refused(frame.substr(0, cut)) == Code::kMalformed);
  RC_ASSERT(refused(frame + "x") == Code::kMalformed);
}

TEST(VaultProtocol, RefusesWhatIsNotExactlyOneRequest) {
  const std::string context = std::string(R"("context":)") + kContext;
  ASSERT_TRUE(parse_call(R"({"op":"seal",)" + context + R"(,"value":"AAAA"})"));
  for (const std::string& bad : {
           std::string(),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"op":"steal"})"),
           std::string(R"({"op":7})"),
           std::string(R"({"op":"status","extra":1})"),
           std::string(R"({"op":"status"}{"op":"status"})"),
           R"({"op":"seal",)" + context + "}",
           R"({"op":"seal",)" + context + R"(,"value":7})",
           R"({"op":"seal",)" + context + R"(,"value":"!"})",
           R"({"op":"open",)" + context + R"(,"sealed":"x"})",
           R"({"op":"open",)" + context + R"(,"sealed":{},"value":"AAAA"})",
           R"({"op":"derive",)" + context + "}",
           R"({"op":"derive",)" + context + R"(,"keyVersion":-1})",
           std::string(R"({"op":"seal","context":{"client":"x"},"value":"AAAA"})"),
           std::string(R"({"op":"seal","context":[[[[[[1]]]]]],"value":"AAAA"})"),
       }) {
    EXPECT_EQ(refused(bad), Code::kMalformed) << bad;
  }
}

TEST(VaultProtocol, CarriesEveryErrorCode) {
  for (const Code code : {Code::kInvalid, Code::kForbidden, Code::kCorrupt, Code::kUnavailable,
                          Code::kInternal, Code::kUnsupported}) {
    const auto again = parse_answer(encode_answer(fail(code, "why \"so\"")));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, code);
    EXPECT_EQ(again.error().message, "vault: why \"so\"");
  }
}

TEST(VaultProtocol, TakesAnIllFormedAnswerForNone) {
  for (const char* bad :
       {"", "{}", "[]", R"({"ok":true})", R"({"ok":false})", R"({"ok":1,"body":{}})",
        R"({"ok":false,"code":"nonsense","message":""})", R"({"ok":true,"body":{},"value":"!"})"}) {
    const auto answer = parse_answer(bad);
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error().code, Code::kUnavailable) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::vault
