#include "vault/key_check.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace deployclaw::vault {
namespace {

TEST(KeyCheck, AcceptsAVaultThatHoldsEverythingTheDatabaseKnows) {
  EXPECT_TRUE(check_key_versions({}, {{1, "a"}}));
  EXPECT_TRUE(check_key_versions({{1, "a"}}, {{1, "a"}, {2, "b"}}));
}

TEST(KeyCheck, FailsClosedAndNamesTheVersionThatIsMissing) {
  const auto status = check_key_versions({{1, "a"}, {2, "b"}}, {{2, "b"}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_NE(status.error().message.find("master key v1 is in use"), std::string::npos);
}

TEST(KeyCheck, NoticesAFreshKeyUnderAnOldNumber) {
  const auto status = check_key_versions({{1, "aaaa"}}, {{1, "bbbb"}});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("another key"), std::string::npos);
}

TEST(KeyCheck, ReadsTheVersionsOfAStatus) {
  const auto read = [](const char* text) {
    return key_versions_of(boost::json::parse(text).as_object());
  };
  const auto keys = read(R"({"versions":[{"version":3,"check":"ab","createdAt":""}]})");
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ((*keys)[0].version, 3U);
  EXPECT_EQ((*keys)[0].check, "ab");
  for (const char* bad :
       {"{}", R"({"versions":3})", R"({"versions":[3]})", R"({"versions":[{"version":3}]})",
        R"({"versions":[{"version":"3","check":"ab"}]})"}) {
    EXPECT_FALSE(read(bad)) << bad;
  }
}

}  // namespace
}  // namespace deployclaw::vault
