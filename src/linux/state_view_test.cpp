#include "linux/state_view.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "linux/loop_volume.hpp"

namespace deployclaw::linux {
namespace {

namespace fs = std::filesystem;

class StateViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (::access("/dev/loop-control", W_OK) != 0) GTEST_SKIP() << "needs loop devices";
    char name[] = "/tmp/deployclaw-view-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    volume_ = {.image = directory_ / "state.img",
               .mountpoint = directory_ / "state",
               .size_bytes = 16 << 20,
               .owner = 10001,
               .group = 10002};
    view_ = {.mountpoint = directory_ / "view",
             .memory = directory_ / "memory",
             .lower = volume_.mountpoint,
             .size_bytes = 1 << 20,
             .owner = 10001,
             .group = 10002};
    ASSERT_TRUE(ensure_state_volume(volume_));
    write(volume_.mountpoint / "kept", "old");
  }
  void TearDown() override {
    if (directory_.empty()) return;
    EXPECT_TRUE(remove_view(view_));
    EXPECT_TRUE(remove_state_volume(volume_));
    fs::remove_all(directory_);
  }
  void must_mount() {
    const auto done = mount_fresh_view(view_);
    ASSERT_TRUE(done) << done.error().message;
  }
  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  fs::path directory_;
  StateVolume volume_;
  StateView view_;
};

TEST_F(StateViewTest, ShowsTheVolumeAndKeepsWritesToItself) {
  must_mount();
  EXPECT_EQ(read(view_.mountpoint / "kept"), "old");
  write(view_.mountpoint / "kept", "new");
  write(view_.mountpoint / "more", "x");
  EXPECT_EQ(read(view_.mountpoint / "kept"), "new");
  EXPECT_EQ(read(volume_.mountpoint / "kept"), "old");
  EXPECT_FALSE(fs::exists(volume_.mountpoint / "more"));
  must_mount();
  EXPECT_EQ(read(view_.mountpoint / "kept"), "old") << "gone at the next start";
  EXPECT_FALSE(fs::exists(view_.mountpoint / "more"));
}

TEST_F(StateViewTest, WithNothingBelowItIsEmptyAtEachStart) {
  view_.lower.clear();
  must_mount();
  EXPECT_TRUE(fs::is_empty(view_.mountpoint));
  write(view_.mountpoint / "more", "x");
  must_mount();
  EXPECT_TRUE(fs::is_empty(view_.mountpoint));
}

TEST_F(StateViewTest, IsTheAgentsSmallAndHarmless) {
  for (const bool empty : {false, true}) {
    if (empty) view_.lower.clear();
    must_mount();
    struct stat root{};
    ASSERT_EQ(::stat(view_.mountpoint.c_str(), &root), 0);
    EXPECT_EQ(root.st_uid, 10001U);
    EXPECT_EQ(root.st_gid, 10002U);
    EXPECT_EQ(root.st_mode & 07777U, 0755U);
    struct statvfs room{};
    ASSERT_EQ(::statvfs(view_.mountpoint.c_str(), &room), 0);
    EXPECT_NE(room.f_flag & ST_NOSUID, 0U);
    EXPECT_NE(room.f_flag & ST_NODEV, 0U);
    std::ofstream big(view_.mountpoint / "big");
    big << std::string(2 << 20, 'x');
    big.close();
    EXPECT_LE(fs::file_size(view_.mountpoint / "big"), 1U << 20);
  }
}

TEST_F(StateViewTest, ChangesBetweenBothAndIsTakenAway) {
  must_mount();
  view_.lower.clear();
  must_mount();
  EXPECT_FALSE(fs::exists(view_.mountpoint / "kept"));
  view_.lower = volume_.mountpoint;
  must_mount();
  EXPECT_TRUE(fs::exists(view_.mountpoint / "kept"));
  ASSERT_TRUE(unmount_view(view_));
  ASSERT_TRUE(unmount_view(view_)) << "twice is fine";
  ASSERT_TRUE(unmount_state_volume(volume_)) << "nothing keeps it in use";
  ASSERT_TRUE(remove_view(view_));
  EXPECT_FALSE(fs::exists(view_.mountpoint));
}

}  // namespace
}  // namespace deployclaw::linux
