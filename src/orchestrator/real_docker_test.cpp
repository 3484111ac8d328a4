// Against a real Docker daemon, packet filter, loop devices and PostgreSQL, with the probe agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "orchestrator/testing/real_host.hpp"

namespace deployclaw::orchestrator {
namespace {

using domain::ActionKind;
using ::testing::HasSubstr;
using testing::RealHost;

class RealDockerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: Docker, netlink, loop devices";
    auto created = RealHost::create(DEPLOYCLAW_SOURCE_DIR);
    ASSERT_TRUE(created) << created.error().message;
    host = std::move(*created);
  }
  void TearDown() override {
    if (!HasFailure() || host == nullptr) return;
    std::ifstream log(host->home() / "orchestrator.log");
    std::cerr << log.rdbuf();
  }
  bool is_live(AgentId agent) {
    return host->customer.deployment(agent) == "live" && host->customer.status(agent) == "running";
  }
  void expect_live(AgentId agent) {
    EXPECT_TRUE(RealHost::until([&] { return is_live(agent); }))
        << host->customer.deployment(agent) << " " << host->customer.reason(agent);
    EXPECT_EQ(host->containers(), 1u);
    EXPECT_EQ(host->links(), 1u);
    EXPECT_EQ(host->mounts(), 1u);
  }
  void expect_gone(AgentId agent) {
    EXPECT_TRUE(RealHost::until([&] { return !host->customer.exists(agent); }));
    EXPECT_EQ(host->containers(), 0u);
    EXPECT_EQ(host->links(), 0u);
    EXPECT_EQ(host->mounts(), 0u);
    EXPECT_FALSE(std::filesystem::exists(host->home() / "agents" / agent.to_string()));
  }
  // A process that kills itself at the boundary, and how it ended.
  void die_at(ActionKind kind, bool after) {
    host->start([kind, after](ActionKind at, bool is_after) {
      if (at == kind && is_after == after) ::kill(getpid(), SIGKILL);
    });
    EXPECT_TRUE(host->ended()) << "this action never happened: " << domain::to_string(kind);
    EXPECT_LE(host->containers(), 1u);
  }

  std::unique_ptr<RealHost> host;
};

TEST_F(RealDockerTest, DeploysUpdatesStopsStartsAndDeletes) {
  host->start();
  const auto agent = host->customer.create("a", R"({"print": "plain", "printCount": 3})");
  expect_live(agent);
  const std::string lines = "SELECT count(*) FROM agent_output WHERE line LIKE 'out line %'";
  EXPECT_TRUE(RealHost::until([&] { return host->customer.ask(lines) == "3"; }));
  host->customer.deploy(agent, "update", R"({"note": "second"})");
  expect_live(agent);
  host->customer.want(agent, "stopped");
  EXPECT_TRUE(RealHost::until([&] { return host->customer.status(agent) == "stopped"; }));
  EXPECT_EQ(host->containers(), 0u);
  host->customer.deploy(agent, "start");
  expect_live(agent);
  host->customer.want(agent, "deleted");
  expect_gone(agent);
}

TEST_F(RealDockerTest, ReportsAnExitAtOnceWithCodeAndOutput) {
  host->start();
  const auto agent =
      host->customer.create("a", R"({"exitCode": 3, "print": "plain", "printCount": 1})");
  ASSERT_TRUE(RealHost::until([&] { return host->customer.status(agent) == "error"; }));
  EXPECT_EQ(host->customer.deployment(agent, "exit_code"), "3");
  EXPECT_THAT(host->customer.deployment(agent, "last_output"), HasSubstr("exiting with code 3"));
  EXPECT_TRUE(RealHost::until([&] { return host->containers() == 0; }));
}

TEST_F(RealDockerTest, ReportsAnAgentThatNeverGetsReadyAndRollsAnUpdateBack) {
  host->deadline = std::chrono::seconds(5);
  host->start();
  const auto agent = host->customer.create("a");
  expect_live(agent);
  host->customer.deploy(agent, "update", R"({"neverReady": true})");
  ASSERT_TRUE(RealHost::until([&] { return host->customer.deployment(agent) == "rolled_back"; }))
      << host->customer.deployment(agent);
  EXPECT_THAT(host->customer.deployment(agent, "reason"), HasSubstr("/readyz answered 503"));
  EXPECT_EQ(host->customer.status(agent), "running");
  const auto never = host->customer.create("b", R"({"neverReady": true})");
  ASSERT_TRUE(RealHost::until([&] { return host->customer.status(never) == "error"; }));
  EXPECT_THAT(host->customer.reason(never), HasSubstr("not ready within 5 s"));
}

// Not yet seen to pass on a loaded machine; tests/e2e kills the engine under the whole platform.
TEST_F(RealDockerTest, DockerMayBeKilledAndComeBack) {
  host->start();
  const auto agent = host->customer.create("a");
  expect_live(agent);
  host->kill_docker();
  const auto second = host->customer.create("b");
  ASSERT_TRUE(RealHost::until([&] {
    return host->customer.reason(second).starts_with("waiting: Docker does not answer");
  })) << host->customer.reason(second);
  host->start_docker();
  EXPECT_TRUE(RealHost::until([&] { return is_live(agent) && is_live(second); }))
      << host->customer.status(agent) << host->customer.reason(agent) << " / "
      << host->customer.status(second) << host->customer.reason(second);
  EXPECT_EQ(host->containers(), 2u);
}

// Not yet seen to pass as a whole; crash_test.cpp holds the same on fakes.
TEST_F(RealDockerTest, KilledAtAnyStepOfADeploymentTheNextProcessFinishesIt) {
  using enum ActionKind;
  for (const ActionKind kind : {kAdvance, kEnsureImage, kEnsureVolume, kWriteConfig,
                                kCreateContainer, kStartContainer, kAttachNetwork, kFinish}) {
    for (const bool after : {false, true}) {
      SCOPED_TRACE(std::string(domain::to_string(kind)) + (after ? " after" : " before"));
      const auto agent = host->customer.create("a");
      die_at(kind, after);
      host->start();
      expect_live(agent);
      host->customer.want(agent, "deleted");
      expect_gone(agent);
      host->stop();
      if (HasFailure()) return;
    }
  }
}

// Not yet seen to pass as a whole; crash_test.cpp holds the same on fakes.
TEST_F(RealDockerTest, KilledAtAnyStepOfADeletionTheNextProcessLeavesNothing) {
  using enum ActionKind;
  for (const ActionKind kind :
       {kStopContainer, kDetachNetwork, kRemoveContainer, kRemoveVolume, kDeleteAgentRow}) {
    SCOPED_TRACE(domain::to_string(kind));
    host->start();
    const auto agent = host->customer.create("a");
    expect_live(agent);
    host->stop();
    host->customer.want(agent, "deleted");
    die_at(kind, true);
    host->start();
    expect_gone(agent);
    host->stop();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace deployclaw::orchestrator
