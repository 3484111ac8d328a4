#include "egress/approval_grants.hpp"

#include <gtest/gtest.h>

namespace deployclaw::egress {
namespace {

using std::chrono::seconds;

class ApprovalGrantsTest : public ::testing::Test {
 protected:
  ApprovalGrantsTest() { grant.digest.fill(1); }
  auto take(const ApprovalGrants::Grant& like) {
    return grants.take(like.client, like.agent, like.digest, now);
  }

  const Time now = Time(seconds(1'800'000'000));
  ApprovalGrants::Grant grant{.client = ClientId::random(),
                              .agent = AgentId::random(),
                              .id = ApprovalId::random(),
                              .expires_at = now + seconds(600)};
  const ApprovalHoldKey hold{{.client = grant.client, .worker = 1}, 1};
  ApprovalGrants grants;
};

TEST_F(ApprovalGrantsTest, WhatWasLentIsNobodysUntilItIsGivenBackAndThenOnce) {
  grants.lend(hold, grant);
  EXPECT_FALSE(take(grant));
  grants.give_back(hold);
  grants.give_back(hold);
  const auto taken = take(grant);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, grant.id);
  EXPECT_FALSE(take(grant));
}

TEST_F(ApprovalGrantsTest, ItIsForThatRequestOfThatAgentOfThatClient) {
  grants.keep(grant);
  auto other = grant;
  other.client = ClientId::random();
  EXPECT_FALSE(take(other));
  other = grant;
  other.agent = AgentId::random();
  EXPECT_FALSE(take(other));
  other = grant;
  other.digest[31] = 2;
  EXPECT_FALSE(take(other));
  EXPECT_TRUE(take(grant));
}

TEST_F(ApprovalGrantsTest, ItLastsAsLongAsItWasGrantedFor) {
  grants.keep(grant);
  EXPECT_FALSE(grants.take(grant.client, grant.agent, grant.digest, grant.expires_at));
  EXPECT_FALSE(take(grant)) << "and is forgotten";
}

TEST_F(ApprovalGrantsTest, ANoToThatAgentForgetsItWhereverItIs) {
  grants.lend(hold, grant);
  grants.keep(grant);
  grants.forget_of(AgentId::random());
  EXPECT_TRUE(take(grant));
  grants.keep(grant);
  grants.forget_of(grant.agent);
  grants.give_back(hold);
  EXPECT_FALSE(take(grant));
}

TEST_F(ApprovalGrantsTest, AWorkerThatIsGoneGivesNothingBack) {
  grants.lend(hold, grant);
  grants.forget_lent_to({.client = grant.client, .worker = 2});
  grants.forget_lent_to(hold.first);
  grants.give_back(hold);
  EXPECT_FALSE(take(grant));
}

TEST_F(ApprovalGrantsTest, ItHoldsSoMany) {
  for (std::size_t i = 0; i < ApprovalGrants::kMost; ++i) grants.keep(grant);
  auto more = grant;
  more.agent = AgentId::random();
  grants.keep(more);
  EXPECT_FALSE(take(more));
  EXPECT_TRUE(take(grant));
}

}  // namespace
}  // namespace deployclaw::egress
