#include "vault/service.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "vault/key_file.hpp"
#include "vault/testing/contexts.hpp"
#include "vault/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::vault {
namespace {

constexpr RoleUids kUids;
constexpr uid_t kRoot = 0;
constexpr std::string_view kPlaintext = "sk-super-secret-value";

class VaultService : public testing::Test {
 protected:
  VaultService() : service_(make_service(key_file_)) {}

  Service make_service(const std::string& key_file) {
    bool created = false;
    auto ring = load_or_create_key_file(key_file_, clock_.now(), created);
    if (!ring) std::abort();
    CallerPolicy policy;
    if (!make_policy(kUids, policy)) std::abort();
    return {*std::move(ring), std::move(policy), key_file, clock_, pool_};
  }

  Result<Answer> ask(Service& service, uid_t uid, const Call& call) {
    auto answer = service.handle(uid, encode_call(call));
    return parse_answer(run_task(io_, std::move(answer)));
  }
  Result<Answer> ask(uid_t uid, const Call& call) { return ask(service_, uid, call); }

  static Call seal_call(const SealContext& context) {
    Call call;
    call.operation = Operation::kSeal;
    call.context = context;
    call.value = Secret::copy_of(kPlaintext);
    return call;
  }

  static Call row_call(Operation operation, const SealContext& context,
                       const boost::json::object& row) {
    Call call;
    call.operation = operation;
    call.context = context;
    call.sealed = row;
    return call;
  }

  static Call plain_call(Operation operation) {
    Call call;
    call.operation = operation;
    return call;
  }

  boost::json::object sealed_row(const SealContext& context) {
    const auto answer = ask(kUids.api, seal_call(context));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer->body.at("sealed").as_object();
  }

  ManualClock clock_;
  TemporaryDirectory directory_;
  std::string key_file_ = directory_.file("master.keys");
  boost::asio::io_context io_;
  BlockingPool pool_{"test", 2};
  Service service_;
};

TEST_F(VaultService, OpensForTheRoleThatNeedsItAndNoOther) {
  struct Case {
    const char* purpose;
    uid_t reader;
  };
  for (const auto& [purpose, reader] :
       {Case{kCredential, kUids.egress}, Case{kConfig, kUids.orchestrator},
        Case{kTotp, kUids.api}}) {
    const SealContext context = some_context(purpose);
    const auto row = sealed_row(context);
    for (const uid_t uid : {kRoot, kUids.api, kUids.orchestrator, kUids.egress, uid_t{1000}}) {
      const auto answer = ask(uid, row_call(Operation::kOpen, context, row));
      if (uid == reader) {
        ASSERT_TRUE(answer) << purpose << uid;
        EXPECT_EQ(answer->value->expose_text(), kPlaintext);
      } else {
        ASSERT_FALSE(answer) << purpose << uid;
        EXPECT_EQ(answer.error().code, Code::kForbidden);
      }
    }
  }
}

TEST_F(VaultService, MakesAuthoritiesForTheOrchestratorWhoCannotOpenThem) {
  Call call = plain_call(Operation::kCreateAuthority);
  call.context = client_ca_context(ClientId::random(), Bytes(kClientSaltSize, 1));
  for (const uid_t uid : {kRoot, kUids.api, kUids.egress, uid_t{1000}}) {
    const auto answer = ask(uid, call);
    ASSERT_FALSE(answer) << uid;
    EXPECT_EQ(answer.error().code, Code::kForbidden);
  }
  const auto made = ask(kUids.orchestrator, call);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->value);
  EXPECT_EQ(boost::json::serialize(made->body).find("PRIVATE"), std::string::npos);
  const auto& row = made->body.at("sealed").as_object();
  for (const uid_t uid : {kRoot, kUids.api, kUids.orchestrator, uid_t{1000}}) {
    EXPECT_FALSE(ask(uid, row_call(Operation::kOpen, call.context, row))) << uid;
    EXPECT_FALSE(ask(uid, row_call(Operation::kReseal, call.context, row))) << uid;
  }
  const auto key = ask(kUids.egress, row_call(Operation::kOpen, call.context, row));
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->value->expose_text().starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_F(VaultService, MakesAuthoritiesForTheirPurposeOnly) {
  Call call = plain_call(Operation::kCreateAuthority);
  call.context = client_ca_context(ClientId::random(), Bytes(kClientSaltSize, 1));
  call.context.purpose = kConfig;
  EXPECT_EQ(ask(kUids.orchestrator, call).error().code, Code::kForbidden);
}

// Egress writes the tokens that it renews; it forges no credential that a customer put in.
TEST_F(VaultService, GrantsAreSealedByApiAndEgressAndOpenedByEgressAlone) {
  const SealContext grant = some_context(kOAuthGrant);
  for (const uid_t uid : {kUids.api, kUids.egress}) {
    const auto sealed = ask(uid, seal_call(grant));
    ASSERT_TRUE(sealed) << uid;
    const auto& row = sealed->body.at("sealed").as_object();
    for (const uid_t other : {kRoot, kUids.api, kUids.orchestrator, uid_t{1000}}) {
      EXPECT_EQ(ask(other, row_call(Operation::kOpen, grant, row)).error().code, Code::kForbidden);
    }
    const auto opened = ask(kUids.egress, row_call(Operation::kOpen, grant, row));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->value->expose_text(), kPlaintext);
  }
  for (const uid_t uid : {kRoot, kUids.orchestrator, uid_t{1000}}) {
    EXPECT_EQ(ask(uid, seal_call(grant)).error().code, Code::kForbidden);
  }
  for (const char* purpose : {kCredential, kConfig, kTotp, kClientCa}) {
    EXPECT_EQ(ask(kUids.egress, seal_call(some_context(purpose))).error().code, Code::kForbidden);
  }
}

// Lying about the purpose gets past the policy but not past the seal.
TEST_F(VaultService, DoesNotOpenARowUnderAnotherPurpose) {
  SealContext context = some_context(kCredential);
  const auto row = sealed_row(context);
  context.purpose = kTotp;
  const auto answer = ask(kUids.api, row_call(Operation::kOpen, context, row));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kCorrupt);
}

TEST_F(VaultService, CountsAndLogsRefusalsWithoutTheValue) {
  testing::internal::CaptureStderr();
  const auto answer = ask(kUids.egress, seal_call(some_context()));
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kForbidden);
  EXPECT_NE(log.find("vault refused"), std::string::npos);
  EXPECT_NE(log.find("64204"), std::string::npos);
  EXPECT_EQ(log.find(kPlaintext), std::string::npos);
  EXPECT_EQ(log.find(base64_encode(bytes_of(kPlaintext))), std::string::npos);
  const auto status = ask(kRoot, plain_call(Operation::kStatus));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->body.at("counters").at("seal").at("refused").to_number<int>(), 1);
}

TEST_F(VaultService, AnswersMalformedFramesAndCountsThem) {
  testing::internal::CaptureStderr();
  auto handled = service_.handle(kRoot, "{\"op\":");
  const auto answer = parse_answer(run_task(io_, std::move(handled)));
  testing::internal::GetCapturedStderr();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kMalformed);
  const auto status = ask(kRoot, plain_call(Operation::kStatus));
  EXPECT_EQ(status->body.at("counters").at("malformed").to_number<int>(), 1);
}

TEST_F(VaultService, RotatesForRootAndKeepsOldRowsReadable) {
  const SealContext context = some_context(kTotp);
  const auto old_row = sealed_row(context);
  EXPECT_EQ(ask(kUids.api, plain_call(Operation::kRotate)).error().code, Code::kForbidden);
  const auto rotated = ask(kRoot, plain_call(Operation::kRotate));
  ASSERT_TRUE(rotated) << rotated.error().message;
  EXPECT_EQ(rotated->body.at("newest").to_number<int>(), 2);
  EXPECT_EQ(load_key_file(key_file_)->newest(), 2U);

  const auto opened = ask(kUids.api, row_call(Operation::kOpen, context, old_row));
  ASSERT_TRUE(opened);
  const auto resealed = ask(kUids.api, row_call(Operation::kReseal, context, old_row));
  ASSERT_TRUE(resealed);
  EXPECT_FALSE(resealed->value);
  const auto& new_row = resealed->body.at("sealed").as_object();
  EXPECT_EQ(new_row.at("keyVersion").to_number<int>(), 2);
  EXPECT_EQ(ask(kUids.api, row_call(Operation::kOpen, context, new_row))->value->expose_text(),
            kPlaintext);
}

TEST_F(VaultService, KeepsServingItsOldKeysWhenTheKeyFileCannotBeRotated) {
  const SealContext context = some_context(kTotp);
  const auto row = sealed_row(context);
  std::filesystem::remove(key_file_);
  EXPECT_FALSE(ask(kRoot, plain_call(Operation::kRotate)));
  EXPECT_TRUE(ask(kUids.api, row_call(Operation::kOpen, context, row)));
  EXPECT_FALSE(std::filesystem::exists(key_file_));
}

TEST_F(VaultService, RefusesToRotateKeysThatComeFromTheEnvironment) {
  Service service = make_service("");
  const auto answer = ask(service, kRoot, plain_call(Operation::kRotate));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnsupported);
}

TEST_F(VaultService, TellsStatusWithoutAKey) {
  const auto status = ask(kUids.orchestrator, plain_call(Operation::kStatus));
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->value);
  const auto& versions = status->body.at("versions").as_array();
  ASSERT_EQ(versions.size(), 1U);
  EXPECT_EQ(versions[0].as_object().size(), 3U);
  EXPECT_EQ(versions[0].at("check").as_string().size(), 16U);
  EXPECT_EQ(ask(1000, plain_call(Operation::kStatus)).error().code, Code::kForbidden);
}

TEST_F(VaultService, DerivesTheSameTokenForApiAndOrchestrator) {
  Call call;
  call.operation = Operation::kDerive;
  call.context = some_context(kGatewayToken);
  const auto api = ask(kUids.api, call);
  const auto orchestrator = ask(kUids.orchestrator, call);
  ASSERT_TRUE(api && orchestrator);
  EXPECT_TRUE(api->value->equals(*orchestrator->value));
  EXPECT_EQ(ask(kUids.egress, call).error().code, Code::kForbidden);
}

}  // namespace
}  // namespace deployclaw::vault
