#include "app/settings.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "app/commands.hpp"

namespace deployclaw::app {
namespace {

class SettingsFile : public ::testing::Test {
 protected:
  Status read(std::string_view content) {
    std::ofstream(path_) << content;
    return settings_.read_file(path_);
  }
  void TearDown() override { unlink(path_.c_str()); }

  std::string path_ = "/tmp/deployclaw-settings-" + std::to_string(getpid()) + ".toml";
  Settings settings_;
};

TEST_F(SettingsFile, GivesDefaultsWithoutAFile) {
  EXPECT_EQ(settings_.text("api.listen"), "127.0.0.1:8080");
  EXPECT_EQ(settings_.integer("api.bcrypt_cost"), 12);
  EXPECT_FALSE(settings_.boolean("api.allow_test_runtimes"));
  EXPECT_TRUE(complete(settings_)) << "the defaults must be valid";
}

TEST_F(SettingsFile, ReadsEveryKind) {
  ASSERT_TRUE(
      read("home = '/data'\n[api]\nbcrypt_cost = 11\nallow_test_runtimes = true\n"
           "trusted_proxies = ['10.0.0.1', '10.0.0.2']\n"));
  EXPECT_EQ(settings_.text("home"), "/data");
  EXPECT_EQ(settings_.integer("api.bcrypt_cost"), 11);
  EXPECT_TRUE(settings_.boolean("api.allow_test_runtimes"));
  EXPECT_EQ(settings_.list("api.trusted_proxies"),
            (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(SettingsFile, NamesFileLineAndKeyOfAnUnknownSetting) {
  const auto read_it = read("[api]\nlisten = '127.0.0.1:1'\nlissten = 'x'\n");
  ASSERT_FALSE(read_it);
  EXPECT_EQ(read_it.error().message, path_ + ":3: unknown setting 'api.lissten'");
}

TEST_F(SettingsFile, RefusesAWrongType) {
  const auto read_it = read("[api]\nbcrypt_cost = 'twelve'\n");
  ASSERT_FALSE(read_it);
  EXPECT_EQ(read_it.error().message, path_ + ":2: 'api.bcrypt_cost' must be an integer");
}

TEST_F(SettingsFile, RefusesBrokenToml) {
  const auto read_it = read("[api\n");
  ASSERT_FALSE(read_it);
  EXPECT_NE(read_it.error().message.find(path_ + ":1"), std::string::npos);
}

TEST_F(SettingsFile, LetsEnvironmentWinOverFileAndOverridesOverBoth) {
  ASSERT_TRUE(read("[api]\nlisten = '127.0.0.1:1'\nbcrypt_cost = 10\n"));
  const std::vector<std::string> environment{"DEPLOYCLAW_PORT=2", "DEPLOYCLAW_API_BCRYPT_COST=11",
                                             "DEPLOYCLAW_PRESET=release", "HOME=/root"};
  ASSERT_TRUE(settings_.read_environment(environment));
  EXPECT_EQ(settings_.text("api.listen"), "127.0.0.1:2");
  EXPECT_EQ(settings_.integer("api.bcrypt_cost"), 11);
  ASSERT_TRUE(settings_.apply_override("api.bcrypt_cost=13"));
  EXPECT_EQ(settings_.integer("api.bcrypt_cost"), 13);
  EXPECT_FALSE(settings_.apply_override("api.nonsense=1"));
  EXPECT_FALSE(settings_.apply_override("api.bcrypt_cost"));
}

TEST_F(SettingsFile, RefusesAPortThatIsNone) {
  const std::vector<std::string> environment{"DEPLOYCLAW_PORT=99999"};
  EXPECT_FALSE(settings_.read_environment(environment));
}

TEST_F(SettingsFile, PrintsWhatReadsBackAndHidesTheDatabaseUrl) {
  ASSERT_TRUE(settings_.set("database.url", "postgresql://u@h/db?x=\"1\"", "test"));
  ASSERT_TRUE(settings_.set("api.trusted_proxies", "10.0.0.1,10.0.0.2", "test"));
  EXPECT_EQ(settings_.to_toml(false).find("postgresql://"), std::string::npos);
  const auto revealed = settings_.to_toml(true);
  Settings again;
  std::ofstream(path_) << revealed;
  ASSERT_TRUE(again.read_file(path_));
  EXPECT_EQ(again.to_toml(true), revealed);
}

TEST_F(SettingsFile, RefusesAPasswordInTheDatabaseUrl) {
  for (const std::string url : {"postgresql://me:pw@host/db", "postgresql://host/db?password=pw"}) {
    ASSERT_TRUE(settings_.set("database.url", url, "test"));
    const auto valid = complete(settings_);
    ASSERT_FALSE(valid) << url;
    EXPECT_EQ(valid.error().message.find("pw@"), std::string::npos) << "the password is repeated";
  }
}

TEST_F(SettingsFile, ModelsWithoutAPriceAreCountedOrRefusedAndNothingElse) {
  for (const std::string word : {"dearest", "refuse"}) {
    ASSERT_TRUE(settings_.set("models.unknown", word, "test"));
    EXPECT_TRUE(complete(settings_)) << word;
  }
  ASSERT_TRUE(settings_.set("models.unknown", "free", "test"));
  const auto valid = complete(settings_);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().message, "models.unknown is 'free', it must be dearest or refuse");
}

TEST_F(SettingsFile, NamesTheRangeThatIsBroken) {
  ASSERT_TRUE(settings_.set("api.bcrypt_cost", "4", "test"));
  const auto valid = complete(settings_);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().message, "api.bcrypt_cost is 4, it must be 10 to 16");
}

}  // namespace
}  // namespace deployclaw::app
