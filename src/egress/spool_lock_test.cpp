#include "egress/spool_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

using ::testing::HasSubstr;

class SpoolLock : public ::testing::Test {
 protected:
  // A process that has the lock and keeps it until it is killed; nothing when it could not get it.
  pid_t process_that_holds_it() {
    int pipe[2];
    if (::pipe(pipe) != 0) return 0;
    const pid_t child = fork();
    if (child == 0) {
      const auto lock = lock_spool(directory.path());
      const char said = lock ? 'y' : 'n';
      if (write(pipe[1], &said, 1) == 1) pause();
      _exit(0);
    }
    char said = 'n';
    EXPECT_EQ(read(pipe[0], &said, 1), 1);
    close(pipe[0]);
    close(pipe[1]);
    return said == 'y' ? child : 0;
  }

  const vault::TemporaryDirectory directory;
};

TEST_F(SpoolLock, ASecondOneIsRefusedAndTold) {
  const auto first = lock_spool(directory.path());
  ASSERT_TRUE(first) << first.error().message;
  const auto second = lock_spool(directory.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("another egress process uses the spool in "));
  EXPECT_THAT(second.error().message, HasSubstr(directory.path()));
}

TEST_F(SpoolLock, ItEndsWithItsHolder) {
  ASSERT_TRUE(lock_spool(directory.path()));
  EXPECT_TRUE(lock_spool(directory.path())) << "the first answer lived no longer";
}

TEST_F(SpoolLock, AProcessThatIsKilledLetsGo) {
  const pid_t other = process_that_holds_it();
  ASSERT_GT(other, 0);
  EXPECT_FALSE(lock_spool(directory.path()));
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  EXPECT_TRUE(lock_spool(directory.path()));
}

TEST_F(SpoolLock, AnotherSpoolIsAnothersAndAFolderThatIsNoneIsNamed) {
  const vault::TemporaryDirectory elsewhere;
  const auto first = lock_spool(directory.path());
  EXPECT_TRUE(lock_spool(elsewhere.path()));
  const auto none = lock_spool(elsewhere.file("none"));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().code, Code::kConflict);
  EXPECT_THAT(none.error().message, HasSubstr("none/lock"));
}

}  // namespace
}  // namespace deployclaw::egress
