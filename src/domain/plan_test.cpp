#include "domain/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deployclaw::domain {
namespace {

using namespace std::chrono_literals;
using Kind = ActionKind;
using State = DeploymentState;
using testing::ElementsAre;
using testing::IsEmpty;

const Time kNow{1'750'000'000s};
const AgentId kAgent = *AgentId::parse("11111111-1111-4111-8111-111111111111");
const DeploymentId kNew = *DeploymentId::parse("22222222-2222-4222-8222-222222222222");
const DeploymentId kOld = *DeploymentId::parse("33333333-3333-4333-8333-333333333333");

// One agent on a host where the network is ready.
struct World {
  DesiredAgent want{.agent = kAgent};
  ObservedAgent seen{.agent = kAgent};
  Observed host{.network_ready = true, .engine_up_since = kNow - 1h};
  PlanRules rules;

  World& deploying(State state, std::int64_t generation = 1) {
    want.active = ActiveDeployment{
        .id = kNew, .state = state, .target = {.deployment = kNew, .generation = generation}};
    return *this;
  }
  World& settled(std::int64_t generation = 1) {
    want.settled = Target{.deployment = kOld, .generation = generation};
    want.status = AgentStatus::kRunning;
    return *this;
  }
  World& updating(State state) {
    settled(1).deploying(state, 2);
    want.active->may_roll_back = true;
    want.status = AgentStatus::kProvisioning;
    return *this;
  }
  World& container(ContainerState state, std::int64_t generation = 1) {
    seen.containers.push_back({.id = "c" + std::to_string(seen.containers.size() + 1),
                               .generation = generation,
                               .state = state,
                               .started_at = kNow - 5s,
                               .attached = state == ContainerState::kRunning});
    seen.volume_present = seen.volume_mounted = true;
    seen.network_present = state == ContainerState::kRunning;
    if (state == ContainerState::kCreated) seen.containers.back().started_at.reset();
    return *this;
  }
  World& ready() {
    seen.probe = {.good_in_row = 3, .ever_ready = true};
    return *this;
  }
  Plan run(Time now = kNow) {
    Observed observed = host;
    observed.agents = {seen};
    Desired desired;
    desired.agents = {want};
    return plan(rules, desired, observed, now);
  }
  std::vector<Kind> kinds(Time now = kNow) {
    std::vector<Kind> kinds;
    for (const auto& action : run(now).actions) kinds.push_back(action.kind);
    return kinds;
  }
  Action last(Time now = kNow) { return run(now).actions.back(); }
};

TEST(Plan, AFirstDeploymentIsOneListFromImageToVerification) {
  EXPECT_THAT(World().deploying(State::kQueued).kinds(),
              ElementsAre(Kind::kAdvance, Kind::kEnsureImage, Kind::kAdvance, Kind::kEnsureVolume,
                          Kind::kWriteConfig, Kind::kCreateContainer, Kind::kAdvance,
                          Kind::kStartContainer, Kind::kAttachNetwork, Kind::kAdvance));
}

TEST(Plan, AnUpdateChecksTheImageBeforeItStopsTheOldContainer) {
  EXPECT_THAT(World().updating(State::kPulling).container(ContainerState::kRunning, 1).kinds(),
              ElementsAre(Kind::kEnsureImage, Kind::kStopContainer, Kind::kDetachNetwork,
                          Kind::kRemoveContainer, Kind::kAdvance, Kind::kEnsureVolume,
                          Kind::kWriteConfig, Kind::kCreateContainer, Kind::kAdvance,
                          Kind::kStartContainer, Kind::kAttachNetwork, Kind::kAdvance));
}

TEST(Plan, ARestartReplacesAContainerOfTheSameGeneration) {
  World world;
  world.settled(1).deploying(State::kPulling, 1).container(ContainerState::kRunning, 1);
  EXPECT_THAT(world.kinds(), testing::Contains(Kind::kRemoveContainer));
}

TEST(Plan, AfterACrashTheWorkGoesOnFromWhatIsThere) {
  EXPECT_THAT(World().deploying(State::kCreating).container(ContainerState::kCreated).kinds(),
              ElementsAre(Kind::kWriteConfig, Kind::kAdvance, Kind::kStartContainer,
                          Kind::kAttachNetwork, Kind::kAdvance));
  EXPECT_THAT(World().deploying(State::kStarting).container(ContainerState::kRunning).kinds(),
              ElementsAre(Kind::kAdvance));
  World unwired;
  unwired.deploying(State::kVerifying).container(ContainerState::kRunning);
  unwired.seen.containers[0].attached = false;
  EXPECT_THAT(unwired.kinds(), ElementsAre(Kind::kAttachNetwork));
}

TEST(Plan, NothingStartsWhileTheNetworkTableIsNotLoaded) {
  World world;
  world.host.network_ready = false;
  world.host.network_trouble = "the packet filter is not loaded";
  world.deploying(State::kQueued);
  const Plan plan = world.run();
  EXPECT_EQ(plan.actions.front().reason, "waiting: the packet filter is not loaded");
  for (const auto& action : plan.actions) {
    EXPECT_NE(action.kind, Kind::kStartContainer);
    EXPECT_NE(action.kind, Kind::kAttachNetwork);
  }
}

TEST(Plan, VerifyingWaitsThenGoesLive) {
  World world;
  world.deploying(State::kVerifying).container(ContainerState::kRunning);
  EXPECT_THAT(world.kinds(), IsEmpty());
  EXPECT_EQ(world.run().wake_at, kNow - 5s + 180s);
  world.ready();
  EXPECT_THAT(world.kinds(), IsEmpty());
  EXPECT_EQ(world.run().wake_at, kNow + 5s);
  EXPECT_THAT(world.kinds(kNow + 5s), ElementsAre(Kind::kFinish, Kind::kSetStatus));
  EXPECT_EQ(world.run(kNow + 5s).actions[0].to, State::kLive);
  EXPECT_EQ(world.last(kNow + 5s).status, AgentStatus::kRunning);
}

TEST(Plan, AnExitDuringVerificationFailsWithItsCode) {
  World world;
  world.deploying(State::kVerifying).container(ContainerState::kExited);
  world.seen.containers[0].exit_code = 3;
  const Plan plan = world.run();
  EXPECT_EQ(plan.actions[0].to, State::kFailed);
  EXPECT_EQ(plan.actions[0].reason, "the agent exited with code 3 before it was ready");
  EXPECT_EQ(plan.actions[1].kind, Kind::kRemoveContainer);
  EXPECT_EQ(plan.actions[2].status, AgentStatus::kError);
}

TEST(Plan, AnExitTogetherWithTheEngineIsNotTheAgentsFault) {
  World world;
  world.deploying(State::kVerifying).container(ContainerState::kExited);
  world.host.engine_up_since = kNow - 1s;
  EXPECT_THAT(world.kinds(),
              ElementsAre(Kind::kWriteConfig, Kind::kStartContainer, Kind::kAttachNetwork));
}

TEST(Plan, AFailedUpdateBringsThePreviousGenerationBackAndSaysSo) {
  World world;
  world.updating(State::kVerifying).container(ContainerState::kExited, 2);
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kBeginRollback));
  world.want.active->state = State::kPulling;
  world.want.active->rolling_back = true;
  world.want.active->failure = "it broke";
  world.want.active->target = *world.want.settled;
  EXPECT_THAT(
      world.kinds(),
      ElementsAre(Kind::kEnsureImage, Kind::kRemoveContainer, Kind::kAdvance, Kind::kEnsureVolume,
                  Kind::kWriteConfig, Kind::kCreateContainer, Kind::kAdvance, Kind::kStartContainer,
                  Kind::kAttachNetwork, Kind::kAdvance));
  world.seen.containers.clear();
  world.container(ContainerState::kRunning, 1).ready();
  world.want.active->state = State::kVerifying;
  const Plan plan = world.run(kNow + 10s);
  EXPECT_EQ(plan.actions[0].to, State::kRolledBack);
  EXPECT_EQ(plan.actions[0].reason, "it broke");
  EXPECT_EQ(plan.actions[1].reason, "the previous version runs: it broke");
}

TEST(Plan, AnUpdateWithoutAnImageLeavesTheRunningContainerAlone) {
  World world;
  world.updating(State::kPulling).container(ContainerState::kRunning, 1);
  world.seen.failure = Failure{.action = Kind::kEnsureImage,
                               .code = Code::kNotFound,
                               .text = "no image",
                               .first_at = kNow,
                               .retry_at = kNow + 1s};
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kBeginRollback));
  world.seen.failure.reset();
  world.want.active->rolling_back = true;
  world.want.active->target = *world.want.settled;
  for (const auto& action : world.run().actions) {
    EXPECT_NE(action.kind, Kind::kStopContainer);
    EXPECT_NE(action.kind, Kind::kRemoveContainer);
    EXPECT_NE(action.kind, Kind::kStartContainer);
  }
}

TEST(Plan, ARollbackThatFailsTooIsAnError) {
  World world;
  world.updating(State::kVerifying).container(ContainerState::kExited, 1);
  world.want.active->rolling_back = true;
  world.want.active->failure = "first";
  world.want.active->target = *world.want.settled;
  const Plan plan = world.run();
  EXPECT_EQ(plan.actions[0].to, State::kFailed);
  EXPECT_THAT(plan.actions[0].reason, testing::HasSubstr("first; bringing the previous"));
  EXPECT_EQ(world.last().status, AgentStatus::kError);
}

TEST(Plan, AnOutageIsWaitedForAndTold) {
  World world;
  world.deploying(State::kCreating);
  world.seen.failure = Failure{.action = Kind::kCreateContainer,
                               .code = Code::kUnavailable,
                               .text = "Docker does not answer",
                               .first_at = kNow,
                               .retry_at = kNow + 2s};
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kSetStatus));
  EXPECT_EQ(world.last().reason, "waiting: Docker does not answer");
  EXPECT_EQ(world.run().wake_at, kNow + 2s);
  EXPECT_THAT(world.kinds(kNow + 2s), testing::Contains(Kind::kCreateContainer));
  EXPECT_EQ(world.run(kNow + 10min).actions[0].to, State::kFailed);
}

TEST(Plan, ASettledAgentNeedsNothing) {
  EXPECT_THAT(World().settled().container(ContainerState::kRunning).kinds(), IsEmpty());
  World healthy;
  healthy.settled().container(ContainerState::kRunning).ready();
  healthy.want.restarts.healthy_since = kNow - 1h;
  EXPECT_THAT(healthy.kinds(), IsEmpty());
}

TEST(Plan, AnAgentThatEndedIsHeldBackThenStartedAgain) {
  World world;
  world.settled().container(ContainerState::kExited);
  world.seen.containers[0].exit_code = 1;
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kSetStatus, Kind::kScheduleRestart));
  world.want.status = AgentStatus::kProvisioning;
  world.want.restarts.next_retry_at = kNow + 4s;
  EXPECT_THAT(world.kinds(), IsEmpty());
  EXPECT_EQ(world.run().wake_at, kNow + 4s);
  EXPECT_THAT(world.kinds(kNow + 4s), ElementsAre(Kind::kWriteConfig, Kind::kClearRetry,
                                                  Kind::kStartContainer, Kind::kAttachNetwork));
}

TEST(Plan, NetworkWithoutARunningContainerIsTakenAway) {
  World world;
  world.settled().container(ContainerState::kExited);
  world.seen.network_present = true;
  world.want.restarts.next_retry_at = kNow + 4s;
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kDetachNetwork));
  world.seen.containers.clear();
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kDetachNetwork));
}

TEST(Plan, TenRestartsInTenMinutesOpenTheCircuitWithTheReason) {
  World world;
  world.settled().container(ContainerState::kExited);
  world.want.restarts.recent.assign(10, kNow - 1min);
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kOpenCircuit, Kind::kSetStatus));
  EXPECT_EQ(world.last().status, AgentStatus::kError);
  EXPECT_THAT(world.last().reason, testing::HasSubstr("10 restarts in 10 minutes"));
  world.want.restarts.circuit_open = true;
  world.want.status = AgentStatus::kError;
  EXPECT_THAT(world.kinds(kNow + 24h), IsEmpty());
}

TEST(Plan, ThreeBadProbesRestartAnAgentThatWasReady) {
  World world;
  world.settled().container(ContainerState::kRunning);
  world.seen.probe = {.bad_in_row = 2, .ever_ready = true, .last = "no answer"};
  world.want.restarts.healthy_since = kNow;
  EXPECT_THAT(world.kinds(), IsEmpty());
  world.seen.probe.bad_in_row = 3;
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kSetStatus, Kind::kScheduleRestart,
                                         Kind::kStopContainer, Kind::kDetachNetwork));
}

TEST(Plan, StoppedTakesContainerAndNetworkButLeavesTheVolume) {
  World world;
  world.settled().container(ContainerState::kRunning);
  world.want.state = DesiredState::kStopped;
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kStopContainer, Kind::kDetachNetwork,
                                         Kind::kRemoveContainer, Kind::kSetStatus));
  EXPECT_EQ(world.last().status, AgentStatus::kStopped);
}

TEST(Plan, DeletedTakesEverythingAndTheRowLast) {
  World world;
  world.deploying(State::kVerifying).container(ContainerState::kRunning);
  world.want.state = DesiredState::kDeleted;
  EXPECT_THAT(world.kinds(),
              ElementsAre(Kind::kFinish, Kind::kStopContainer, Kind::kDetachNetwork,
                          Kind::kRemoveContainer, Kind::kRemoveVolume, Kind::kDeleteAgentRow));
}

TEST(Plan, OfTwoContainersOnlyTheRunningOneIsKept) {
  World world;
  world.settled().container(ContainerState::kExited).container(ContainerState::kRunning);
  EXPECT_THAT(world.kinds(), ElementsAre(Kind::kRemoveContainer));
  EXPECT_EQ(world.last().container, "c1");
}

TEST(Plan, ContainersOfForgottenAgentsGoButNotTheirData) {
  World world;
  world.container(ContainerState::kRunning);
  Observed observed = world.host;
  observed.agents = {world.seen};
  std::vector<Kind> kinds;
  for (const auto& action : plan({}, {}, observed, kNow).actions) kinds.push_back(action.kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::kDetachNetwork, Kind::kRemoveContainer));
}

TEST(Plan, FewStartsOfARuntimeOverlap) {
  Desired desired;
  Observed observed{.network_ready = true};
  for (int i = 0; i < 5; ++i) {
    DesiredAgent want{.agent = AgentId::random()};
    const auto id = DeploymentId::random();
    want.active = ActiveDeployment{
        .id = id, .target = {.deployment = id, .generation = 1, .runtime = "openclaw"}};
    desired.agents.push_back(want);
  }
  std::ranges::sort(desired.agents, {}, &DesiredAgent::agent);
  int starts = 0;
  int waiting = 0;
  for (const auto& action : plan({}, desired, observed, kNow).actions) {
    starts += action.kind == Kind::kStartContainer;
    waiting += action.reason == "waiting: other agents are starting";
  }
  EXPECT_EQ(starts, 2);
  EXPECT_EQ(waiting, 3);
}

TEST(Plan, ABusyAgentIsLeftAlone) {
  World world;
  world.deploying(State::kQueued);
  world.seen.busy = true;
  EXPECT_THAT(world.kinds(), IsEmpty());
}

}  // namespace
}  // namespace deployclaw::domain
