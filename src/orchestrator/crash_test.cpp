// A process that dies at any boundary between two actions: the next one finishes the job.
#include <gtest/gtest.h>

#include <stdexcept>

#include "orchestrator/testing/rig.hpp"

namespace deployclaw::orchestrator {
namespace {

using namespace std::chrono_literals;
using domain::ActionKind;
using testing::Rig;

class CrashTest : public ::testing::TestWithParam<std::tuple<ActionKind, bool>> {
 protected:
  CrashTest() {
    // The dead process is this very one: its lease has to lapse.
    rig.config.lease = 1000ms;
    rig.config.renew_every = 100ms;
  }

  // Runs a process until it has died at the parameter's boundary. The run ends there as it would
  // with the process: nothing more of it happens.
  void die_there() {
    const auto [kind, after] = GetParam();
    bool died = false;
    rig.config.fault_point = [&](ActionKind at, bool is_after) {
      if (died || at != kind || is_after != after) return;
      died = true;
      throw std::runtime_error("killed here");
    };
    rig.start();
    ASSERT_TRUE(rig.until([&] { return died; })) << "this action never happened";
    EXPECT_LE(rig.runtime.size(), 1u);
    rig.stop(true);
    rig.config.fault_point = nullptr;
  }
  Rig rig;
};

std::string name_of(const ::testing::TestParamInfo<std::tuple<ActionKind, bool>>& info) {
  return std::string(domain::to_string(std::get<0>(info.param))) +
         (std::get<1>(info.param) ? "_after" : "_before");
}

class CrashWhileDeploying : public CrashTest {};

TEST_P(CrashWhileDeploying, TheNextProcessGoesLiveWithOneContainer) {
  const auto agent = rig.customer.create("a");
  die_there();
  rig.start();
  EXPECT_TRUE(rig.until([&] {
    return rig.customer.deployment(agent) == "live" && rig.customer.status(agent) == "running";
  })) << rig.customer.deployment(agent)
      << " " << rig.customer.reason(agent);
  EXPECT_EQ(rig.runtime.size(), 1u);
  EXPECT_EQ(rig.network.wired.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    AtEveryAction, CrashWhileDeploying,
    ::testing::Combine(::testing::Values(ActionKind::kAdvance, ActionKind::kEnsureImage,
                                         ActionKind::kEnsureVolume, ActionKind::kWriteConfig,
                                         ActionKind::kCreateContainer, ActionKind::kStartContainer,
                                         ActionKind::kAttachNetwork, ActionKind::kFinish,
                                         ActionKind::kSetStatus),
                       ::testing::Bool()),
    name_of);

class CrashWhileUpdating : public CrashTest {};

TEST_P(CrashWhileUpdating, TheNextProcessBringsTheNewGenerationUp) {
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
  rig.stop();
  rig.customer.deploy(agent, "update", "{\"x\": 1}");
  die_there();
  rig.start();
  EXPECT_TRUE(rig.until([&] {
    return rig.customer.deployment(agent) == "live" && rig.customer.status(agent) == "running";
  })) << rig.customer.deployment(agent)
      << " " << rig.customer.reason(agent);
  EXPECT_EQ(rig.runtime.size(), 1u);
  EXPECT_TRUE(rig.volumes.configs.at(agent).contains("x"));
}

INSTANTIATE_TEST_SUITE_P(AtEveryAction, CrashWhileUpdating,
                         ::testing::Combine(::testing::Values(ActionKind::kStopContainer,
                                                              ActionKind::kDetachNetwork,
                                                              ActionKind::kRemoveContainer,
                                                              ActionKind::kCreateContainer),
                                            ::testing::Bool()),
                         name_of);

class CrashWhileDeleting : public CrashTest {};

TEST_P(CrashWhileDeleting, TheNextProcessLeavesNothing) {
  rig.start();
  const auto agent = rig.customer.create("a");
  ASSERT_TRUE(rig.until([&] { return rig.customer.status(agent) == "running"; }));
  rig.stop();
  rig.customer.want(agent, "deleted");
  die_there();
  rig.start();
  EXPECT_TRUE(rig.until([&] { return !rig.customer.exists(agent); }));
  EXPECT_EQ(rig.runtime.size(), 0u);
  EXPECT_TRUE(rig.network.wired.empty());
  EXPECT_TRUE(rig.volumes.volumes.empty());
}

INSTANTIATE_TEST_SUITE_P(
    AtEveryAction, CrashWhileDeleting,
    ::testing::Combine(::testing::Values(ActionKind::kStopContainer, ActionKind::kDetachNetwork,
                                         ActionKind::kRemoveContainer, ActionKind::kRemoveVolume,
                                         ActionKind::kDeleteAgentRow),
                       ::testing::Bool()),
    name_of);

}  // namespace
}  // namespace deployclaw::orchestrator
