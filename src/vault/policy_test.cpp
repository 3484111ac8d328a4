#include "vault/policy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vault/vault.hpp"

namespace deployclaw::vault {
namespace {

const std::vector<std::string> kPurposes = {kCredential, kConfig,     kTotp, kGatewayToken,
                                            kClientCa,   kOAuthGrant, "",    "other"};

// Everything `uid` may do, as "operation purpose" words.
std::vector<std::string> rights(const CallerPolicy& policy, uid_t uid) {
  std::vector<std::string> out;
  for (const auto operation : {Operation::kSeal, Operation::kReseal, Operation::kOpen,
                               Operation::kDerive, Operation::kCreateAuthority}) {
    for (const auto& purpose : kPurposes) {
      if (policy.allows(uid, operation, purpose)) {
        out.push_back(std::string(to_string(operation)) + " " + purpose);
      }
    }
  }
  for (const auto operation : {Operation::kStatus, Operation::kRotate}) {
    if (policy.allows(uid, operation, "")) out.emplace_back(to_string(operation));
  }
  return out;
}

TEST(CallerPolicy, GivesEachRoleExactlyWhatItNeeds) {
  CallerPolicy policy;
  const RoleUids uids;
  ASSERT_TRUE(make_policy(uids, policy));
  using Rights = std::vector<std::string>;
  EXPECT_EQ(rights(policy, uids.api),
            (Rights{"seal credential", "seal config", "seal totp", "seal oauth-grant",
                    "reseal credential", "reseal config", "reseal totp", "reseal oauth-grant",
                    "open totp", "derive gateway-token", "status"}));
  EXPECT_EQ(rights(policy, uids.orchestrator), (Rights{"open config", "derive gateway-token",
                                                       "create_authority client-ca", "status"}));
  EXPECT_EQ(rights(policy, uids.egress),
            (Rights{"seal oauth-grant", "reseal oauth-grant", "open credential", "open client-ca",
                    "open oauth-grant", "status"}));
  EXPECT_EQ(rights(policy, 0), (Rights{"status", "rotate"}));
  EXPECT_EQ(rights(policy, 1000), Rights{});
  EXPECT_EQ(rights(policy, 64201), Rights{});
}

TEST(CallerPolicy, RefusesRolesThatShareAUid) {
  CallerPolicy policy;
  EXPECT_FALSE(make_policy({.api = 5, .orchestrator = 5, .egress = 6}, policy));
  EXPECT_FALSE(make_policy({.api = 0, .orchestrator = 5, .egress = 6}, policy));
  EXPECT_EQ(rights(policy, 5), std::vector<std::string>{});
}

}  // namespace
}  // namespace deployclaw::vault
