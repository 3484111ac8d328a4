#include "orchestrator/state_files.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace deployclaw::orchestrator {
namespace {

namespace fs = std::filesystem;

class StateFilesTest : public ::testing::Test {
 protected:
  StateFilesTest() {
    char path[] = "/tmp/dc-state-XXXXXX";
    base = mkdtemp(path);
    root = base / "state";
    fs::create_directory(root);
    std::ofstream(base / "host-secret") << "host";
  }
  ~StateFilesTest() override { fs::remove_all(base); }

  Status write(const std::string& content) {
    return write_state_file(root, ".agent/config.json", content, {getuid(), getgid()});
  }
  std::string read() {
    const auto content = read_state_file(root, ".agent/config.json", 1024);
    return content ? *content : "error: " + content.error().message;
  }
  std::string host_file() {
    std::ifstream file(base / "host-secret");
    std::string content;
    file >> content;
    return content;
  }

  fs::path base;
  fs::path root;
};

TEST_F(StateFilesTest, WritesWithTightModesAndReadsBack) {
  ASSERT_TRUE(write("one"));
  ASSERT_TRUE(write("two"));
  EXPECT_EQ(read(), "two");
  EXPECT_EQ(fs::status(root / ".agent").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(root / ".agent/config.json").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  // No temporary file is left.
  EXPECT_EQ(std::distance(fs::directory_iterator(root / ".agent"), {}), 1);
}

TEST_F(StateFilesTest, AFileThatIsALinkOutIsReplacedNotFollowed) {
  fs::create_directory(root / ".agent");
  fs::create_symlink(base / "host-secret", root / ".agent/config.json");
  EXPECT_TRUE(read().starts_with("error"));
  ASSERT_TRUE(write("mine"));
  EXPECT_EQ(read(), "mine");
  EXPECT_EQ(host_file(), "host");
}

TEST_F(StateFilesTest, AFolderThatIsALinkOutIsReplacedNotFollowed) {
  fs::create_directory(base / "elsewhere");
  fs::create_directory_symlink(base / "elsewhere", root / ".agent");
  ASSERT_TRUE(write("mine"));
  EXPECT_TRUE(fs::is_empty(base / "elsewhere"));
  EXPECT_FALSE(fs::is_symlink(root / ".agent"));
  EXPECT_EQ(read(), "mine");
}

TEST_F(StateFilesTest, AFileInPlaceOfAFolderAndAFolderInPlaceOfTheFileGiveWay) {
  std::ofstream(root / ".agent") << "in the way";
  ASSERT_TRUE(write("one"));
  fs::remove(root / ".agent/config.json");
  fs::create_directories(root / ".agent/config.json/deep");
  ASSERT_TRUE(write("two"));
  EXPECT_EQ(read(), "two");
}

TEST_F(StateFilesTest, APipeDoesNotHoldTheReader) {
  fs::create_directory(root / ".agent");
  ASSERT_EQ(mkfifo((root / ".agent/config.json").c_str(), 0600), 0);
  EXPECT_TRUE(read().starts_with("error: no such file"));
  EXPECT_TRUE(write("mine"));
}

TEST_F(StateFilesTest, PathsThatLeaveAndHugeFilesAreRefused) {
  EXPECT_FALSE(write_state_file(root, "../host-secret", "x", {}));
  EXPECT_FALSE(read_state_file(root, "a/../../host-secret", 1024));
  ASSERT_TRUE(write(std::string(2000, 'x')));
  EXPECT_TRUE(read().starts_with("error: too large"));
}

}  // namespace
}  // namespace deployclaw::orchestrator
