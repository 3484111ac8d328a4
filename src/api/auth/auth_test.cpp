#include <gtest/gtest.h>

#include "api/testing/fixture.hpp"

namespace deployclaw::api {
namespace {

using testing::Client;
using testing::Fixture;

TEST(Register, MakesAClientAndItsOwnerWithAPasswordLevelSession) {
  Fixture api;
  Client ada(api);
  const auto answer = ada.register_account("Ada@Example.com", "Analytical Engines");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_EQ(answer.string_at("user", "email"), "ada@example.com");
  EXPECT_EQ(answer.string_at("user", "role"), "owner");
  EXPECT_FALSE(answer.at("user", "twoFactorEnabled").as_bool());
  EXPECT_EQ(answer.string_at("client", "name"), "Analytical Engines");
  EXPECT_EQ(answer.string_at("client", "plan"), "starter");
  const auto session = ada.get("/api/auth/session");
  ASSERT_EQ(session.status, 200) << session.text;
  EXPECT_EQ(session.string_at("level"), "password");
  EXPECT_FALSE(session.at("fresh").as_bool());
}

TEST(TwoFactor, EnrolmentMakesTheSessionFullAndFresh) {
  Fixture api;
  Client ada(api);
  ada.sign_up("ada@example.com");
  const auto session = ada.get("/api/auth/session");
  EXPECT_EQ(session.string_at("level"), "full");
  EXPECT_TRUE(session.at("fresh").as_bool());
  EXPECT_TRUE(session.at("user", "twoFactorEnabled").as_bool());
  EXPECT_EQ(ada.recovery_codes.size(), 10U);
}

}  // namespace
}  // namespace deployclaw::api
