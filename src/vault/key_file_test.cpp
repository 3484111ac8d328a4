#include "vault/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::vault {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

std::size_t entries(const std::string& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory),
                                                std::filesystem::directory_iterator()));
}

class KeyFile : public testing::Test {
 protected:
  Result<Keyring> create() {
    bool created = false;
    auto ring = load_or_create_key_file(path_, Time{}, created);
    EXPECT_TRUE(created);
    return ring;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("master.keys");
};

TEST_F(KeyFile, IsCreatedOnceForItsOwnerAlone) {
  const auto first = create();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(entries(directory_.path()), 1U);
  bool created = true;
  const auto second = load_or_create_key_file(path_, Time{}, created);
  ASSERT_TRUE(second);
  EXPECT_FALSE(created);
  EXPECT_EQ(second->versions()[0].check, first->versions()[0].check);
}

TEST_F(KeyFile, IsNotCreatedByLoading) {
  const auto ring = load_key_file(path_);
  ASSERT_FALSE(ring);
  EXPECT_EQ(ring.error().code, Code::kNotFound);
  EXPECT_EQ(entries(directory_.path()), 0U);
}

TEST_F(KeyFile, IsRefusedWhenOthersMayReadOrWriteIt) {
  ASSERT_TRUE(create());
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    const auto ring = load_key_file(path_);
    ASSERT_FALSE(ring) << std::oct << mode;
    EXPECT_EQ(ring.error().code, Code::kForbidden);
  }
  ASSERT_EQ(chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(load_key_file(path_));
}

TEST_F(KeyFile, IsRefusedInADirectoryOthersMayWrite) {
  ASSERT_TRUE(create());
  ASSERT_EQ(chmod(directory_.path().c_str(), 0770), 0);
  const auto ring = load_key_file(path_);
  ASSERT_FALSE(ring);
  EXPECT_EQ(ring.error().code, Code::kForbidden);
}

TEST_F(KeyFile, IsRefusedWhenItIsALinkOrNoFile) {
  ASSERT_TRUE(create());
  const std::string link = directory_.file("link");
  ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
  EXPECT_EQ(load_key_file(link).error().code, Code::kForbidden);
  const std::string fifo = directory_.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(load_key_file(fifo).error().code, Code::kForbidden);
  EXPECT_EQ(load_key_file(directory_.path()).error().code, Code::kForbidden);
}

TEST_F(KeyFile, IsRefusedWhenAnotherUserOwnsIt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_TRUE(create());
  ASSERT_EQ(chown(path_.c_str(), 64999, 64999), 0);
  EXPECT_EQ(load_key_file(path_).error().code, Code::kForbidden);
}

TEST_F(KeyFile, IsNotReplacedWhenItIsDamaged) {
  std::ofstream(path_) << "v1 garbage\n";
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  bool created = true;
  const auto ring = load_or_create_key_file(path_, Time{}, created);
  ASSERT_FALSE(ring);
  EXPECT_FALSE(created);
  EXPECT_EQ(ring.error().code, Code::kMalformed);
}

TEST_F(KeyFile, GainsAVersionByRotationAndKeepsTheOld) {
  const auto before = create();
  ASSERT_TRUE(before);
  const auto after = rotate_key_file(path_, before->versions(), Time{});
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->newest(), 2U);
  const auto loaded = load_key_file(path_);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(equal_constant_time(loaded->key(1).value(), before->key(1).value()));
  EXPECT_TRUE(equal_constant_time(loaded->key(2).value(), after->key(2).value()));
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(entries(directory_.path()), 1U);
}

TEST_F(KeyFile, IsNotRotatedWhenSomebodyChangedIt) {
  const auto before = create();
  ASSERT_TRUE(before);
  ASSERT_TRUE(rotate_key_file(path_, before->versions(), Time{}));
  const auto stale = rotate_key_file(path_, before->versions(), Time{});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, Code::kConflict);
  EXPECT_EQ(load_key_file(path_)->newest(), 2U);
}

}  // namespace
}  // namespace deployclaw::vault
