#include "domain/state_access.hpp"

#include <gtest/gtest.h>

namespace deployclaw::domain {
namespace {

StateAccess access_of(std::vector<std::string> scopes) {
  Permissions permissions;
  permissions.scopes = std::move(scopes);
  return state_access(permissions);
}

TEST(StateAccess, FollowsTheFileScopes) {
  EXPECT_EQ(access_of({}), StateAccess::kNone);
  EXPECT_EQ(access_of({"email:read", "api:outbound"}), StateAccess::kNone);
  EXPECT_EQ(access_of({"files:read"}), StateAccess::kRead);
  EXPECT_EQ(access_of({"files:write"}), StateAccess::kWrite);
  EXPECT_EQ(access_of({"files:read", "files:write"}), StateAccess::kWrite);
  EXPECT_LT(StateAccess::kNone, StateAccess::kRead);
  EXPECT_LT(StateAccess::kRead, StateAccess::kWrite);
}

}  // namespace
}  // namespace deployclaw::domain
