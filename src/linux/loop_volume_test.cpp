#include "linux/loop_volume.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "linux/file.hpp"
#include "linux/loop_device.hpp"

namespace deployclaw::linux {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

class LoopVolume : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (::access("/dev/loop-control", W_OK) != 0) GTEST_SKIP() << "needs loop devices";
    char name[] = "/tmp/deployclaw-volume-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    volume_ = {.image = directory_ / "a 1" / "state.img",
               .mountpoint = directory_ / "a 1" / "state",
               .size_bytes = 16 << 20,
               .owner = 10001,
               .group = 10002};
  }
  void TearDown() override {
    if (directory_.empty()) return;
    EXPECT_TRUE(remove_state_volume(volume_));
    fs::remove_all(directory_);
  }
  void must_ensure() {
    const auto ensured = ensure_state_volume(volume_);
    ASSERT_TRUE(ensured) << ensured.error().message;
  }
  fs::path directory_;
  StateVolume volume_;
};

TEST_F(LoopVolume, IsMadeOwnedByTheAgentAndTakesLittleRoom) {
  must_ensure();
  struct stat root{};
  ASSERT_EQ(::stat(volume_.mountpoint.c_str(), &root), 0);
  EXPECT_EQ(root.st_uid, 10001U);
  EXPECT_EQ(root.st_gid, 10002U);
  struct stat image{};
  ASSERT_EQ(::stat(volume_.image.c_str(), &image), 0);
  EXPECT_EQ(image.st_size, 16 << 20);
  EXPECT_LT(image.st_blocks * 512, 6 << 20);
  EXPECT_EQ(image.st_mode & 0777U, 0600U);
  struct statvfs flags{};
  ASSERT_EQ(::statvfs(volume_.mountpoint.c_str(), &flags), 0);
  EXPECT_NE(flags.f_flag & ST_NOSUID, 0U);
  EXPECT_NE(flags.f_flag & ST_NODEV, 0U);
  const auto usage = state_volume_usage(volume_);
  ASSERT_TRUE(usage);
  EXPECT_GT(usage->total_bytes, 8U << 20);
  EXPECT_LT(usage->used_bytes, usage->total_bytes / 2);
}

TEST_F(LoopVolume, KeepsItsContentOverUnmountingAndDoingThingsTwiceIsFine) {
  must_ensure();
  std::ofstream(volume_.mountpoint / "kept") << "content";
  must_ensure();
  EXPECT_EQ(list_state_volumes(directory_).value().size(), 1U);
  ASSERT_TRUE(unmount_state_volume(volume_));
  ASSERT_TRUE(unmount_state_volume(volume_));
  EXPECT_FALSE(fs::exists(volume_.mountpoint / "kept"));
  EXPECT_THAT(list_state_volumes(directory_).value(), IsEmpty());
  must_ensure();
  EXPECT_EQ(read_small_file((volume_.mountpoint / "kept").string()).value(), "content");
}

TEST_F(LoopVolume, HoldsNoMoreThanItsSize) {
  must_ensure();
  const auto path = volume_.mountpoint / "fill";
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(1 << 20, 'x');
  int written = 0;
  while (written < 32 && ::write(file.get(), block.data(), block.size()) > 0) ++written;
  EXPECT_LT(written, 17);
  EXPECT_EQ(errno, ENOSPC);
}

TEST_F(LoopVolume, GrowsWhenUnmountedAndKeepsItsContent) {
  must_ensure();
  std::ofstream(volume_.mountpoint / "kept") << "content";
  const auto before = state_volume_usage(volume_).value().total_bytes;
  const auto refused = grow_state_volume(volume_, 32 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  ASSERT_TRUE(unmount_state_volume(volume_));
  const auto grown = grow_state_volume(volume_, 32 << 20);
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_TRUE(grow_state_volume(volume_, 1 << 20));
  must_ensure();
  EXPECT_GT(state_volume_usage(volume_).value().total_bytes, before + (12 << 20));
  EXPECT_EQ(read_small_file((volume_.mountpoint / "kept").string()).value(), "content");
}

TEST_F(LoopVolume, IsRemovedWithAllItLeft) {
  must_ensure();
  EXPECT_THAT(list_state_volumes(directory_).value(),
              ElementsAre(::testing::AllOf(Field(&MountedVolume::mountpoint, volume_.mountpoint),
                                           Field(&MountedVolume::image, volume_.image))));
  ASSERT_TRUE(remove_state_volume(volume_));
  EXPECT_FALSE(fs::exists(volume_.image));
  EXPECT_FALSE(fs::exists(volume_.mountpoint));
  EXPECT_THAT(list_state_volumes(directory_).value(), IsEmpty());
  EXPECT_TRUE(remove_state_volume(volume_));
}

TEST_F(LoopVolume, NeverMountsAHalfMadeFile) {
  fs::create_directories(volume_.image.parent_path());
  std::ofstream(volume_.image.string() + ".new") << "a crash left this";
  must_ensure();
  EXPECT_FALSE(fs::exists(volume_.image.string() + ".new"));
}

TEST_F(LoopVolume, SaysThatItIsInUse) {
  must_ensure();
  const UniqueFd user(::open(volume_.mountpoint.c_str(), O_RDONLY | O_CLOEXEC));
  const auto unmounted = unmount_state_volume(volume_);
  ASSERT_FALSE(unmounted);
  EXPECT_EQ(unmounted.error().code, Code::kConflict);
}

TEST_F(LoopVolume, SaysThatTheDiskIsFull) {
  volume_.size_bytes = std::uint64_t{1} << 50;
  const auto made = ensure_state_volume(volume_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kUnavailable);
  EXPECT_THAT(made.error().message, ::testing::HasSubstr("disk full"));
  EXPECT_FALSE(fs::exists(volume_.image));
}

TEST_F(LoopVolume, RefusesRelativePathsAndTinySizes) {
  auto bad = volume_;
  bad.image = "state.img";
  EXPECT_EQ(ensure_state_volume(bad).error().code, Code::kInvalid);
  bad = volume_;
  bad.size_bytes = 1;
  EXPECT_EQ(ensure_state_volume(bad).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace deployclaw::linux
