#include "app/supervisor.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/child.hpp"
#include "app/paths.hpp"

namespace deployclaw::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Children : public ::testing::Test {
 protected:
  Children() { fs::create_directories(directory_); }
  ~Children() override { fs::remove_all(directory_); }

  ChildSpec shell(const std::string& script) {
    return ChildSpec{.name = "shell",
                     .program = "/bin/sh",
                     .arguments = {"-c", script},
                     .environment = {"PATH=/usr/bin:/bin"},
                     .working_directory = directory_,
                     .log_path = directory_ + "/log"};
  }
  std::string content(const std::string& name) {
    return read_file(directory_ + "/" + name).value_or("");
  }

  std::string directory_ = "/tmp/deployclaw-children-" + std::to_string(getpid());
};

TEST_F(Children, TellExitCodesAndSignals) {
  EXPECT_EQ(run_child(shell("exit 7")), 7);
  EXPECT_EQ(run_child(shell("kill -9 $$")), 137);
}

TEST_F(Children, SeeOnlyTheirEnvironmentAndWriteToTheirLog) {
  setenv("DEPLOYCLAW_TEST_LEAK", "leaked", 1);
  EXPECT_EQ(run_child(shell("env")), 0);
  EXPECT_EQ(content("log").find("leaked"), std::string::npos);
  EXPECT_NE(content("log").find("PATH=/usr/bin:/bin"), std::string::npos);
}

TEST_F(Children, GiveUpRootAndKeepOnlyTheNamedCapabilities) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  auto spec = shell("id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status");
  spec.uid = 64250;
  spec.gid = 64250;
  spec.capabilities = {12};  // CAP_NET_ADMIN
  EXPECT_EQ(run_child(spec), 0);
  const auto log = content("log");
  EXPECT_NE(log.find("64250\n"), std::string::npos) << log;
  EXPECT_NE(log.find("CapEff:\t0000000000001000"), std::string::npos) << log;
  EXPECT_NE(log.find("CapBnd:\t0000000000001000"), std::string::npos) << log;
  EXPECT_NE(log.find("NoNewPrivs:\t1"), std::string::npos) << log;
}

TEST_F(Children, AreStartedAgainWhenTheyDie) {
  Supervisor supervisor;
  auto spec = shell("echo started >> starts; sleep 0.1; exit 1");
  ASSERT_TRUE(supervisor.add(Service{.child = spec}));
  // The second line, not the count alone: a fork is not yet a running program.
  EXPECT_TRUE(supervisor.run_until([&] { return content("starts") == "started\nstarted\n"; }, 20s));
  EXPECT_GE(supervisor.restarts("shell"), 1);
  supervisor.stop();
}

TEST_F(Children, StopInReverseOrderAndAreKilledWhenTheyWillNot) {
  Supervisor supervisor;
  auto polite =
      shell("trap 'echo polite >> stops; exit 0' TERM; touch ready1; while :; do sleep 0.05; done");
  auto stubborn =
      shell("trap 'echo stubborn >> stops' TERM; touch ready2; while :; do sleep 0.05; done");
  stubborn.name = "stubborn";
  ASSERT_TRUE(supervisor.add(Service{.child = polite}));
  ASSERT_TRUE(supervisor.add(Service{.child = stubborn, .grace = 1s}));
  ASSERT_TRUE(supervisor.run_until(
      [&] { return fs::exists(directory_ + "/ready1") && fs::exists(directory_ + "/ready2"); },
      20s));
  supervisor.stop();
  EXPECT_EQ(content("stops"), "stubborn\npolite\n");
}

}  // namespace
}  // namespace deployclaw::app
